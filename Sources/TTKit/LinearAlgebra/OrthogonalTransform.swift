/// Orthogonal transforms that spread any vector over all its entries: fast, of any length, from a seed.

/// Which family of orthogonal matrices.
public enum TransformKind: String, Sendable, CaseIterable {
  /// P z = DCT⁻¹(ε · DCT z) with random signs ε: symmetric, its own inverse.
  case dct
  /// Q z = Gᵀ(ε · G z) with G = H ⊗ C: a Hadamard matrix H and a short cosine transform C. Symmetric too.
  case hadamard
  /// A random orthogonal matrix, Haar distributed: dense, O(n²) a vector, O(n³) to make.
  case orthogonal

  static var words: [String] { allCases.map(\.rawValue) }
}

/// Signs and matrices that follow from a seed; files hold the seed alone.
struct TransformSeed: Sendable, Equatable {
  let kind: TransformKind
  let length: Int
  let seed: UInt64

  /// Length of the cosine transform in a Hadamard transform: 16, or four times the odd part. Without one,
  /// or with the odd part alone, whose transform may hold zeros, Kashin's decomposition stalls on some
  /// vectors: up to 110 steps instead of 45.
  var cosineLength: Int {
    let power = length & -length
    return power == length ? min(power, 16) : length / power * min(power, 4)
  }

  /// n of ±1: the top bits of SplitMix64, set for −1.
  func signs<T: RealScalar>(_ type: T.Type) throws(TTKitError) -> Tensor<T> {
    var random = SeededGenerator(seed: seed)
    return try Tensor<T>(shape: [length]) { out in
      for i in 0..<length { out[i] = random.next() >> 63 == 1 ? -1 : 1 }
    }
  }

  /// The orthogonal matrix: Q of the QR of a Gaussian matrix, with the signs that make R's diagonal
  /// positive, which is what makes Q Haar distributed (F. Mezzadri, Notices of the AMS 54, 2007).
  func matrix<T: RealScalar>(_ type: T.Type) throws(TTKitError) -> Tensor<T> {
    var random = SeededGenerator(seed: seed)
    let n = length
    let gaussian = try Tensor<Double>(shape: [n, n]) { out in
      for i in 0..<out.count { out[i] = random.gaussian() }
    }
    let (q, r) = try qr(gaussian)
    let fixed = try Tensor<Double>(shape: [n, n]) { out in
      q.withSpan { q in
        r.withSpan { r in
          for i in 0..<n {
            for j in 0..<n { out[i * n + j] = r[j * n + j] < 0 ? -q[i * n + j] : q[i * n + j] }
          }
        }
      }
    }
    return try fixed.converted(to: T.self)
  }
}
