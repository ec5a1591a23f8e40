/// Path, steps and memory under a limit: orders with smaller intermediates are tried until one fits.

struct PlanSearch {
  let equation: ContractionEquation
  let lengths: [Int]
  let dtype: DType
  let constants: [Bool]
  let memoryLimit: Int
  /// Elements that no product of constants may exceed.
  let mostConstant: Int
  let scheme: CostModel.Scheme
  let effort: PathEffort
  /// The order, where it is given.
  let given: ContractionPath?
  /// Bytes of the workspace that the steps cannot have.
  let reserved: Int

  struct Found {
    let path: ContractionPath
    let nodes: [ContractionNode]
    let steps: [ContractionStep]
    let map: WorkspaceMap
    let time: Double
  }

  func run() throws(TTKitError) -> Found {
    let cost = CostModel(dtype: dtype, scheme: scheme)
    let objective = effort == .flops ? CostModel(dtype: dtype, scheme: effort.scheme) : cost
    var network = ContractionNetwork(
      lengths: lengths, operands: StepBuilder.openAxes(equation), result: AxisSet(equation.result),
      cost: objective, constants: constants, mostConstant: Double(mostConstant))
    let available = max(memoryLimit - reserved, 0)
    if memoryLimit < .max { network.mostElements = Double(max(available / dtype.size, 1)) }
    var least = Int.max
    while true {
      let path: ContractionPath
      do throws(TTKitError) {
        if let given { path = given } else { path = try PathSearch.path(network, effort: effort) }
      } catch {
        throw least == .max ? error : tooSmall(least)
      }
      var builder = try StepBuilder(
        equation, lengths, cost, constants: constants, path: path)
      let (constantCount, workspaceCount) = try builder.place()
      let map = try WorkspaceMap(
        builder, dtype: dtype, constants: constantCount, intermediates: workspaceCount)
      if map.byteCount <= available {
        return Found(
          path: path, nodes: builder.nodes, steps: builder.steps, map: map,
          time: network.time(path))
      }
      least = min(least, try MemoryRegions.sum(map.byteCount, reserved))
      guard given == nil else { throw tooSmall(least) }
      let largest = builder.nodes.reduce(0.0) { most, node in
        guard case .intermediate = node.place, !node.isConstant else { return most }
        return max(most, AxisSet(node.axes).size(network.lengths))
      }
      guard largest > 1 else { throw tooSmall(least) }
      network.mostElements = min(network.mostElements, largest / 2)
    }
  }

  private func tooSmall(_ least: Int) -> TTKitError {
    .invalidArgument(
      "memory_limit is \(memoryLimit) bytes, the smallest workspace found is \(least); raise the limit"
    )
  }
}

/// Where things lie in a workspace, in bytes.
struct WorkspaceMap: Sendable {
  /// Tables of integers come first, then intermediates, then scratch of the step at work.
  let axisCount: Int
  let strides: Int
  let tables: Int
  let intermediates: Int
  let scratch: Int
  let byteCount: Int
  /// Elements of memory for products of constants.
  let constantCount: Int

  init(
    _ builder: StepBuilder, dtype: DType, constants: Int, intermediates count: Int
  ) throws(TTKitError) {
    let kernel = TileSize(dtype)
    let word = MemoryLayout<Int>.size
    axisCount = builder.lengths.count
    constantCount = constants
    var tableCount = 0
    var scratchCount = 0
    for step in builder.steps {
      let shape = try StepShape(step, builder.lengths, kernel)
      // Lengths that fit 2^58 elements: see scratchCount.
      tableCount = max(
        tableCount, 3 * shape.batch + 2 * (shape.rows + shape.columns + shape.inner))
      if step.right != nil { scratchCount = max(scratchCount, try shape.scratchCount()) }
    }
    // At most 256 axes and 257 views.
    strides = (axisCount * word + 63) / 64 * 64
    let operands = builder.equation.operands.count + 1
    tables = strides + (operands * axisCount * word + 63) / 64 * 64
    intermediates = try Self.after(tables, tableCount, word)
    scratch = try Self.after(intermediates, count, dtype.size)
    byteCount = try Self.after(scratch, scratchCount, dtype.size) + 64
  }

  private static func after(_ start: Int, _ count: Int, _ size: Int) throws(TTKitError) -> Int {
    let bytes = try checkedProduct([count, size])
    let (end, overflow) = start.addingReportingOverflow(bytes)
    guard !overflow, end < Int.max - 128 else {
      throw .sizeOverflow("the workspace exceeds the address space; use smaller sizes")
    }
    return (end + 63) / 64 * 64
  }
}

/// Rows and columns of this process' tiles.
struct TileSize: Sendable {
  let height: Int
  let width: Int

  init(_ dtype: DType) {
    if dtype == .float64 {
      (height, width) = (TileKernel<Double>().height, TileKernel<Double>().width)
    } else {
      (height, width) = (TileKernel<Float>().height, TileKernel<Float>().width)
    }
  }
}

extension StepShape {
  init(_ step: ContractionStep, _ lengths: [Int], _ tile: TileSize) throws(TTKitError) {
    func size(_ axes: [Int]) throws(TTKitError) -> Int {
      try checkedProduct(axes.map { lengths[$0] } + [64]) / 64
    }
    self.init(
      batch: try size(step.batch), rows: try size(step.rows), columns: try size(step.columns),
      inner: try size(step.inner), height: tile.height, width: tile.width)
  }
}
