/// Entry points of ttkit/cross.h: dominant rows.
public import CTTKit
internal import TTKit

@c @implementation
public func ttk_maxvol(
  _ matrix: UnsafePointer<ttk_array>?, _ options: UnsafePointer<ttk_maxvol_options>?,
  _ rows: UnsafeMutablePointer<Int64>?, _ count: UnsafeMutablePointer<Int64>?,
  _ coefficients: UnsafeMutablePointer<ttk_array>?
) -> ttk_status {
  boundary { () throws(TTKitError) in
    let given = try TTKitC.options(options, "ttk_maxvol_options", zero: ttk_maxvol_options())
    let array = try view(matrix, "matrix")
    let rows = try require(rows, "rows")
    let count = try require(count, "count")
    guard array.shape.count == 2 else {
      throw .invalidArgument("matrix has \(array.shape.count) dimensions, expected 2")
    }
    let (n, r) = (array.shape[0], array.shape[1])
    // 0 means default: at most the rows there are.
    guard given.max_extra >= 0, given.max_extra <= max(n - r, 0) else {
      throw .invalidArgument(
        "max_extra is \(given.max_extra), expected 0 to \(max(n - r, 0)), the rows left over")
    }
    let target = try coefficients.map { (array) throws(TTKitError) in
      try TTKitC.target(
        array, "coefficients", shape: [n, r + Int(given.max_extra)],
        dtype: view(matrix, "matrix").dtype)
    }
    func run<T: Scalar>(_ type: T.Type) throws(TTKitError) -> [Int] {
      let a = try array.copied(as: type)
      let tolerance = given.tolerance == 0 ? 1.05 : given.tolerance
      let found =
        given.max_extra == 0 && given.min_extra == 0
        ? try maximumVolume(a, tolerance: tolerance)
        : try rectangularMaximumVolume(
          a, tolerance: tolerance,
          rowTolerance: given.row_tolerance == 0 ? 1.1 : given.row_tolerance,
          minExtra: Int(given.min_extra), maxExtra: Int(given.max_extra))
      if let target {
        target.write(try found.coefficients.resized(rows: n, columns: target.shape[1]))
      }
      return found.rows
    }
    let chosen = try run(scalarType(array.dtype, "matrix"))
    for (k, row) in chosen.enumerated() { rows[k] = Int64(row) }
    count.pointee = Int64(chosen.count)
  }
}
