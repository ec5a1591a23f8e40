import CTTKit
import Testing
import TTKitC

@Suite struct LinearGradientBoundaryTests {
  /// low_rank(rank=1) of [[1, 2], [2, 4]] with a bias, from the cores a = (1, 2), b = (1, 2).
  private func layer() -> OpaquePointer? {
    let (a, b, bias) = (CArray([2, 1], [1, 2]), CArray([1, 2], [1, 2]), CArray([2], [0, 0]))
    var made: OpaquePointer?
    let cores = [a.array, b.array]
    #expect(
      ttk_linear_from_cores("low_rank(rank=1)", 2, 2, 2, cores, &bias.array, &made) == ok)
    return made
  }

  @Test func vjp_writesWhatIsWanted() {
    let layer = layer()
    defer { ttk_linear_destroy(layer) }
    let (x, g) = (CArray([1, 2], [3, 5]), CArray([1, 2], [1, -1]))
    let (gradX, gradBias) = (CArray([1, 2]), CArray([2]))
    let (gradA, gradB) = (CArray([2, 1]), CArray([1, 2]))
    var cores = [gradA.array, gradB.array]
    #expect(
      ttk_linear_vjp(layer, &x.array, &g.array, nil, &gradX.array, &cores, &gradBias.array) == ok)
    // gᵀ W = (1 - 2, 2 - 4); W x = a (b · x) = a · 13; g · a = -1.
    #expect(gradX.values == [-1, -2])
    #expect(gradA.values == [13, -13] && gradB.values == [-3, -5])
    #expect(gradBias.values == [1, -1])
    #expect(ttk_linear_vjp(layer, &x.array, &g.array, nil, nil, nil, nil) == ok)
  }

  @Test func vjp_ofBadInput_isRefused() {
    let layer = layer()
    defer { ttk_linear_destroy(layer) }
    let (x, g, out) = (CArray([1, 2]), CArray([1, 2]), CArray([1, 2]))
    let wide = CArray([1, 3])
    func status(_ x: CArray?, _ g: CArray?, _ gradX: CArray?) -> ttk_status {
      var (a, b, c) = (x?.array ?? ttk_array(), g?.array ?? ttk_array(), gradX?.array)
      guard c != nil else { return ttk_linear_vjp(layer, &a, &b, nil, nil, nil, nil) }
      return ttk_linear_vjp(layer, &a, &b, nil, &c!, nil, nil)
    }
    #expect(status(x, g, out) == ok)
    #expect(status(wide, g, nil) == argument)
    #expect(status(x, wide, nil) == argument)
    #expect(status(x, g, wide) == argument)
    #expect(status(nil, g, nil) != ok)
    // Outputs that overlap an input or repeat elements.
    #expect(status(x, g, x) == argument)
    #expect(status(x, g, g) == argument)
    var single = x.array
    single.dtype = ttk_dtype(TTK_FLOAT32)
    #expect(ttk_linear_vjp(layer, &single, &g.array, nil, nil, nil, nil) == wrongDType)
    #expect(ttk_linear_vjp(nil, &x.array, &g.array, nil, nil, nil, nil) == argument)
    #expect(ttk_linear_vjp(layer, nil, &g.array, nil, nil, nil, nil) == argument)
  }

  @Test func vjp_withoutABias_refusesItsGradient() {
    let w = CArray([2, 2], [1, 2, 3, 4])
    var layer: OpaquePointer?
    #expect(ttk_linear_fit(&w.array, "dense", nil, nil, &layer) == ok)
    defer { ttk_linear_destroy(layer) }
    let (x, g, bias) = (CArray([1, 2]), CArray([1, 2]), CArray([2]))
    #expect(
      ttk_linear_vjp(layer, &x.array, &g.array, nil, nil, nil, &bias.array) == argument)
  }
}
