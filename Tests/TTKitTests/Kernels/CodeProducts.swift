import CTTKKernels

@testable import TTKit

/// y of the kernel for rows x of whole numbers of largest magnitude 127, and the exact sums of the
/// reference, and the bound of their difference.
func dotCodes(
  _ table: ttkk_kernels, _ panel: CodePanel, rows: Int, x: [Int8], columns: Int
) -> (y: [Float], exact: [Double], bound: [Double]) {
  var rounded = RoundedRows(table, panel, rows: rows, x.map { Float($0) })
  let bias = (0..<columns).map { Float($0) }
  let yStep = columns + 1
  var y = [Float](repeating: -1, count: rows * yStep)
  rounded.with { rounded in
    panel.with(isRounded: true) {
      table.dot_codes($0, rows, 1, 0, 1, rounded, &y, yStep, columns, bias, 0)
    }
  }
  var exact = [Double](repeating: -1, count: rows * yStep)
  var bound = exact.map { _ in 0.0 }
  for r in 0..<rows { for j in 0..<columns { exact[r * yStep + j] = Double(bias[j]) } }
  // One rounding a group, two for each 512 inputs, one for the scale of x and one for the bias.
  let roundings = Double(panel.groups + 2 * (panel.k / 512 + 1) + 2) * 0x1p-24
  for r in 0..<rows { for j in 0..<columns { bound[r * yStep + j] = Double(bias[j]) * 0x1p-24 } }
  var sums = [Int64](repeating: 0, count: rows * panel.width)
  var piece = 0
  while piece < panel.k {
    let limit = (piece / panel.group + 1) * panel.group
    let end = min(piece + 512, limit, panel.k)
    let g = piece / panel.group
    panel.with(isRounded: true) {
      ttkk_reference_dot(rows, $0, panel.width, piece, end, x, panel.k, &sums)
    }
    for r in 0..<rows {
      for j in 0..<columns {
        let term = Double(sums[r * panel.width + j]) * Double(panel.scales[g * panel.width + j])
        exact[r * yStep + j] += term
        bound[r * yStep + j] += abs(term) * roundings
      }
    }
    piece = end
  }
  return (y, exact, bound)
}
