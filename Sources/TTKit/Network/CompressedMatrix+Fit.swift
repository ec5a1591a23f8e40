/// Making compressed matrices: from a dense matrix, from given cores, from the parts of a file.

extension CompressedMatrix {
  /// Fits `matrix` by the spec: each term fits what the terms before it left over, then sums are
  /// improved by turns.
  ///
  /// - Parameters:
  ///   - matrix: two axes, finite, float16, bfloat16, float32 or float64, any strides.
  ///   - spec: terms without a storage get the matrix' own dtype.
  ///   - moment: of the inputs; the fit then minimises the error of the outputs, with the storage's
  ///     rounding in the loop.
  ///   - padsRows: row factors may multiply to more rows than there are; the rest is zero.
  /// - Error: computed against `matrix`, after storage.
  /// - Throws: `.invalidArgument`, `.unsupportedDType`, `.nonFinite`, `.sizeOverflow`, `.outOfMemory`,
  ///   `.notConverged`.
  public static func fit(
    _ matrix: StridedView, spec: Spec, moment: InputMoment? = nil, padsRows: Bool = false,
    executor: Executor = Executor()
  ) throws(TTKitError) -> CompressedMatrix {
    let source = try WeightValues(matrix)
    let own = Spec.Call(matrix.dtype.name)
    switch source {
    case .single(let tensor): return try fit(tensor, spec, own, moment, padsRows, executor)
    case .double(let tensor): return try fit(tensor, spec, own, moment, padsRows, executor)
    }
  }

  private static func fit<T: RealScalar>(
    _ matrix: Tensor<T>, _ spec: Spec, _ ownStorage: Spec.Call, _ moment: InputMoment?,
    _ padsRows: Bool, _ executor: Executor
  ) throws(TTKitError) -> CompressedMatrix {
    guard matrix.shape.count == 2, !matrix.shape.contains(0) else {
      throw .invalidArgument(
        "a weight has shape \(describe(matrix.shape)), expected two axes of at least 1")
    }
    guard matrix.isFinite else {
      throw .nonFinite("a weight holds NaN or infinity; expected finite values")
    }
    if let moment, moment.count != matrix.shape[1] {
      throw .invalidArgument(
        "the moment is of \(moment.count) inputs, the weight has \(matrix.shape[1]) columns")
    }
    var sum = TermSum(matrix, moment: moment, padsRows: padsRows, executor: executor)
    var wishes: [TermSum<T>.Wish] = []
    for wanted in spec.terms {
      let format = try Registry.format(wanted.format)
      wishes.append((format, try Registry.storage(wanted.storage ?? ownStorage)))
    }
    try sum.fit(wishes)
    let lost = try sum.lost()
    let relative = { (part: Double, whole: Double) in part == 0 ? 0 : part / whole }
    guard let moment else {
      return CompressedMatrix(
        rows: matrix.shape[0], columns: matrix.shape[1], terms: sum.terms, error: sum.error)
    }
    let wide = try matrix.converted(to: Double.self)
    let shift = try OutputShift(
      weight: wide, lost: lost.converted(to: Double.self), moment: moment)
    let left = relative(shift?.leftSquare ?? 0, try moment.squaredNorm(wide))
    return CompressedMatrix(
      rows: matrix.shape[0], columns: matrix.shape[1], terms: sum.terms,
      error: relative(lost.norm, matrix.norm),
      outputError: (sum.error * sum.error + left).squareRoot(), biasChange: shift?.taken)
  }

  /// A matrix of given cores, float32 or float64, in the order of the terms' equations.
  public static func make(
    _ spec: Spec, rows: Int, columns: Int, cores: [StridedView], padsRows: Bool = false
  ) throws(TTKitError) -> CompressedMatrix {
    guard rows >= 1, columns >= 1 else {
      throw .invalidArgument("a weight of \(rows) x \(columns), expected at least 1 x 1")
    }
    _ = try checkedProduct([rows, columns, MemoryLayout<Double>.stride])
    var values: [WeightValues] = []
    for core in cores { values.append(try WeightValues(core)) }
    var terms: [Term] = []
    var used = 0
    for wanted in spec.terms {
      let format = try Registry.format(wanted.format)
      let full = try format.equation(rows: rows, columns: columns)
      try requireRows(full, rows, padsRows, format)
      let count = full.operands.count
      guard used + count <= cores.count else { break }
      let mine = values[used..<(used + count)]
      let own = Spec.Call(cores[used].dtype.name)
      let storage = try Registry.storage(wanted.storage ?? own)
      if mine.contains(where: { $0.isDouble }) {
        terms.append(
          try Term(
            format: format, storage: storage, cores: widened(mine), rows: rows, columns: columns))
      } else {
        var singles: [Tensor<Float>] = []
        for case .single(let tensor) in mine { singles.append(tensor) }
        terms.append(
          try Term(
            format: format, storage: storage, cores: singles, rows: rows, columns: columns))
      }
      used += count
    }
    guard terms.count == spec.terms.count, used == cores.count else {
      throw .invalidArgument("\(cores.count) cores for \(spec), which needs another number")
    }
    return CompressedMatrix(rows: rows, columns: columns, terms: terms, error: .nan)
  }

  /// A matrix of cores that are encoded already, in the storages that the spec names.
  public static func make(
    _ spec: Spec, rows: Int, columns: Int, encoded cores: [EncodedCore]
  ) throws(TTKitError) -> CompressedMatrix {
    guard rows >= 1, columns >= 1 else {
      throw .invalidArgument("a weight of \(rows) x \(columns), expected at least 1 x 1")
    }
    _ = try checkedProduct([rows, columns, MemoryLayout<Double>.stride])
    var wishes: [String] = []
    for term in spec.terms {
      let format = try Registry.format(term.format)
      let storage = try term.storage.map { (call) throws(TTKitError) in
        try format.coreStorage(Registry.storage(call), columns: columns)
      }
      let count = try format.equation(rows: rows, columns: columns).operands.count
      wishes += [String](repeating: storage?.call.description ?? "no storage", count: count)
    }
    for (k, (wish, core)) in zip(wishes, cores).enumerated()
    where core.storage.call.description != wish {
      throw .invalidArgument("core \(k) is stored as \(core.storage.call), the spec says \(wish)")
    }
    do throws(TTKitError) {
      return try make(
        spec, rows: rows, columns: columns, coreShapes: cores.map(\.shape),
        parts: cores.map(\.parts), error: .nan)
    } catch {
      if case .format(let text) = error { throw .invalidArgument(text) }
      throw error
    }
  }

  /// A matrix from the cores of a file, `groups` of parts in the order of all cores.
  /// - Throws: `.format` when cores do not fit the spec.
  public static func make(
    _ spec: Spec, rows: Int, columns: Int, coreShapes: [[Int]], parts groups: [[StoragePart]],
    error: Double
  ) throws(TTKitError) -> CompressedMatrix {
    var terms: [Term] = []
    var used = 0
    for wanted in spec.terms {
      let format = try Registry.format(wanted.format)
      guard let call = wanted.storage else { throw .format("\(spec) in a file lacks a storage") }
      let storage = try Registry.storage(call)
      let count = try format.equation(rows: rows, columns: columns).operands.count
      guard used + count <= min(groups.count, coreShapes.count) else {
        throw .format("\(spec) needs more than the \(groups.count) cores in the file")
      }
      let shapes = Array(coreShapes[used..<(used + count)])
      let reached: any Format = try format.adopting(
        coreShapes: shapes, rows: rows, columns: columns)
      var cores: [EncodedCore] = []
      let held = try reached.coreStorage(storage, columns: columns)
      for (shape, parts) in zip(shapes, groups[used...]) {
        cores.append(try EncodedCore(shape: shape, storage: held, parts: parts))
      }
      terms.append(
        Term(
          format: reached, storage: storage,
          equation: try reached.equation(rows: rows, columns: columns), cores: cores,
          columns: columns))
      used += count
    }
    guard used == groups.count, groups.count == coreShapes.count else {
      throw .format("\(spec) has \(used) cores, the file \(groups.count)")
    }
    return CompressedMatrix(rows: rows, columns: columns, terms: terms, error: error)
  }

  static func requireRows(
    _ equation: Equation, _ rows: Int, _ padsRows: Bool, _ format: any Format
  ) throws(TTKitError) {
    guard padsRows || equation.rowCount == rows else {
      let factors = equation.rows.map { String($0.length) }.joined(separator: "x")
      let hint = balancedFactors(of: rows, count: equation.rows.count).map(String.init)
      throw .invalidArgument(
        "\(type(of: format).name): rows=\(factors) multiply to \(equation.rowCount), the matrix has "
          + "\(rows) rows; the nearest factors are \(hint.joined(separator: "x"))")
    }
  }

  private static func widened(
    _ values: ArraySlice<WeightValues>
  ) throws(TTKitError) -> [Tensor<Double>] {
    var tensors: [Tensor<Double>] = []
    for value in values {
      switch value {
      case .single(let tensor): tensors.append(try tensor.converted(to: Double.self))
      case .double(let tensor): tensors.append(tensor)
      }
    }
    return tensors
  }
}

extension Term {
  /// Fits cores to a matrix for inputs of this moment, and encodes them with error compensation.
  init<T: RealScalar>(
    format: any Format, storage: any Storage, matrix: Tensor<T>, moment: InputMoment,
    executor: Executor
  ) throws(TTKitError) {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let cores = try format.fit(matrix, moment: moment, executor: executor)
    let reached: any Format = try format.adopting(
      coreShapes: cores.map(\.shape), rows: rows, columns: columns)
    for core in cores where !core.isFinite {
      throw .nonFinite("a core came out as NaN or infinity; the weight or the moment is too large")
    }
    let held = try reached.coreStorage(storage, columns: columns)
    self.init(
      format: reached, storage: storage,
      equation: try reached.equation(rows: rows, columns: columns),
      cores: try reached.encode(cores, of: matrix, storage: held, moment: moment),
      columns: columns)
  }

  /// Encodes cores; the format takes over the ranks they have.
  init<T: RealScalar>(
    format: any Format, storage: any Storage, cores: [Tensor<T>], rows: Int, columns: Int
  ) throws(TTKitError) {
    let reached: any Format = try format.adopting(
      coreShapes: cores.map(\.shape), rows: rows, columns: columns)
    var encoded: [EncodedCore] = []
    let held = try reached.coreStorage(storage, columns: columns)
    for core in cores {
      guard core.isFinite else {
        throw .nonFinite("a core holds NaN or infinity; expected finite values")
      }
      encoded.append(try EncodedCore(core, storage: held))
    }
    self.init(
      format: reached, storage: storage,
      equation: try reached.equation(rows: rows, columns: columns), cores: encoded,
      columns: columns)
  }
}

/// The values of a caller's weight, in the precision that loses nothing.
enum WeightValues {
  case single(Tensor<Float>)
  case double(Tensor<Double>)

  init(_ view: StridedView) throws(TTKitError) {
    switch view.dtype {
    case .float32: self = .single(try view.copied(as: Float.self))
    case .float64: self = .double(try view.copied(as: Double.self))
    case .float16, .bfloat16:
      let raw = try view.copied(as: UInt16.self)
      self = .single(try widenedHalves(raw, view.dtype))
    default:
      throw .unsupportedDType(
        "a weight of \(view.dtype.name), expected float16, bfloat16, float32 or float64")
    }
  }

  var isDouble: Bool { if case .double = self { true } else { false } }
}
