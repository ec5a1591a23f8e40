/// Arithmetic on sizes that callers gave, which may not fit an `Int`.

/// The product of sizes.
/// - Throws: `.sizeOverflow`, naming the sizes.
public func checkedProduct(_ sizes: some Sequence<Int>) throws(TTKitError) -> Int {
  var product = 1
  for size in sizes {
    let (next, overflow) = product.multipliedReportingOverflow(by: size)
    guard !overflow else {
      let text = sizes.map(String.init).joined(separator: " x ")
      throw .sizeOverflow("the product \(text) exceeds 2^63 - 1; use smaller sizes")
    }
    product = next
  }
  return product
}

/// Sizes for messages: "(2, 3, 4)", "(5,)" as NumPy prints them.
public func describe(_ shape: [Int]) -> String {
  shape.count == 1
    ? "(\(shape[0]),)" : "(" + shape.map(String.init).joined(separator: ", ") + ")"
}

/// Steps of a compact row-major array, in elements.
///
/// - Parameter shape: lengths whose product is known to fit an `Int`.
public func rowMajorStrides(_ shape: [Int]) -> [Int] {
  var strides = [Int](repeating: 1, count: shape.count)
  for axis in shape.indices.dropLast().reversed() {
    // Fits: at most the product of the shape, or that of its non-zero part times one length.
    strides[axis] = strides[axis + 1] &* max(shape[axis + 1], 1)
  }
  return strides
}
