import CTTKit
import Testing
import TTKitC

@Suite struct AttentionBoundaryTests {
  @Test func attention_ofOnes_countsPairs_andBadInputIsRefused() throws {
    let ones = [Double](repeating: 1, count: 18)
    let (w, g, o) = (CArray([2, 3], ones), CArray([1, 2], ones), CArray([2, 3, 3], ones))
    var (k, v) = (w.array, w.array)
    let layer = try COwned(ttk_attention_destroy) {
      ttk_attention_create(&w.array, &k, &v, &g.array, &o.array, nil, $0)
    }
    #expect(ttk_attention_features(layer.handle) == 3 && ttk_attention_rank(layer.handle) == 2)
    #expect(ttk_attention_outputs(layer.handle) == 2 && ttk_attention_length(layer.handle) == 3)
    #expect(ttk_attention_nbytes(layer.handle) == 8 * (18 + 2 + 18))
    let (x, y) = (CArray([1, 3, 3], ones), CArray([1, 3, 2]))
    #expect(ttk_attention_apply(layer.handle, &x.array, nil, &y.array) == ok)
    // q = k = v = 3: 2 · 27 a pair, (i + 1)² pairs.
    #expect(y.values == [54, 54, 216, 216, 486, 486])
    let (long, wide) = (CArray([1, 4, 3]), CArray([1, 3, 4]))
    #expect(ttk_attention_apply(layer.handle, &long.array, nil, &y.array) == argument)
    #expect(ttk_attention_apply(layer.handle, &wide.array, nil, &y.array) == argument)
    var same = x.array
    #expect(ttk_attention_apply(layer.handle, &x.array, nil, &same) == argument)
    #expect(ttk_attention_apply(layer.handle, nil, nil, &y.array) == argument)
    #expect(ttk_attention_apply(layer.handle, &x.array, nil, nil) == argument)
    #expect(ttk_attention_apply(nil, &x.array, nil, &y.array) == argument)
    var (o2, w2) = (o.array, w.array)
    expectRefused(argument, containing: "key") {
      ttk_attention_create(&w.array, &o.array, &v, &g.array, &o2, nil, $0)
    }
    expectRefused(argument, containing: "output") {
      ttk_attention_create(&w.array, &k, &v, &g.array, &w2, nil, $0)
    }
    expectRefused(argument, containing: "NULL") {
      ttk_attention_create(&w.array, nil, &v, &g.array, &o.array, nil, $0)
    }
    var single = w.array
    single.dtype = ttk_dtype(TTK_FLOAT32)
    expectRefused(wrongDType) {
      ttk_attention_create(&w.array, &single, &v, &g.array, &o.array, nil, $0)
    }

    let (above, gx, gb) = (CArray([1, 3, 2], ones), CArray([1, 3, 3]), CArray([2]))
    let grads = [[2, 3], [2, 3], [2, 3], [1, 2], [2, 3, 3]].map { CArray($0) }
    var each = grads.map(\.array)
    let vjp = ttk_attention_vjp
    #expect(vjp(layer.handle, &x.array, &above.array, nil, &gx.array, &each, nil) == ok)
    // d/dg[r] = sum of 27 over 2 outputs and 1 + 4 + 9 pairs.
    #expect(grads[3].values == [756, 756] && grads[4].values.prefix(3) == [162, 108, 54])
    #expect(vjp(layer.handle, &x.array, &above.array, nil, nil, nil, nil) == ok)
    #expect(vjp(layer.handle, &x.array, &above.array, nil, nil, nil, &gb.array) == argument)
    #expect(vjp(layer.handle, &x.array, &y.array, nil, &same, nil, nil) == argument)
    #expect(vjp(layer.handle, &x.array, &same, nil, &gx.array, nil, nil) == argument)
    #expect(vjp(layer.handle, nil, &above.array, nil, &gx.array, nil, nil) == argument)
    #expect(vjp(layer.handle, &long.array, &above.array, nil, &gx.array, nil, nil) == argument)
    #expect(vjp(nil, &x.array, &above.array, nil, &gx.array, nil, nil) == argument)
    each[1] = each[0]
    #expect(vjp(layer.handle, &x.array, &above.array, nil, &gx.array, &each, nil) == argument)
    ttk_attention_destroy(nil)
    #expect(ttk_attention_features(nil) == 0)
  }
}
