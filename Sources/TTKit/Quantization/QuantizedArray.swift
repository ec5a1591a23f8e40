/// An array in a low-bit storage, by itself: for comparing storages.

public final class QuantizedArray: Sendable {
  public let core: EncodedCore
  /// ‖a − a'‖ / ‖a‖, computed.
  public let error: Double

  public var shape: [Int] { core.shape }
  /// dtype of the values that come back.
  public var dtype: DType { core.storage.computeDType }
  public var storage: String { core.storage.call.description }

  /// - Parameters:
  ///   - array: finite, at least one element, float16, bfloat16, float32 or float64.
  ///   - storage: as in a spec string, such as `int4(group=32)`.
  public init(_ array: StridedView, storage text: String) throws(TTKitError) {
    guard !array.shape.contains(0) else {
      throw .invalidArgument("an array of shape \(describe(array.shape)) has nothing to quantise")
    }
    let storage = try Self.storage(text)
    switch try WeightValues(array) {
    case .single(let tensor): (core, error) = try Self.encode(tensor, storage)
    case .double(let tensor): (core, error) = try Self.encode(tensor, storage)
    }
  }

  /// An array on the grid of trained scales.
  /// - Parameters:
  ///   - array: finite, at least one element, float32.
  ///   - storage: integers.
  ///   - scales: float32, one for each group of the storage.
  public init(
    _ array: StridedView, storage text: String, scales: StridedView
  ) throws(TTKitError) {
    guard !array.shape.contains(0) else {
      throw .invalidArgument("an array of shape \(describe(array.shape)) has nothing to quantise")
    }
    guard let storage = try Self.storage(text) as? IntegerStorage else {
      throw .invalidArgument("'\(text)' has no scales to give, expected int2 to int8")
    }
    guard array.dtype == .float32, scales.dtype == .float32 else {
      throw .unsupportedDType(
        "array is \(array.dtype.name) and scale \(scales.dtype.name), expected float32")
    }
    let values = try array.copied(as: Float.self)
    let parts = try storage.encode(values, scales: scales.copied(as: Float.self))
    core = try EncodedCore(shape: values.shape, storage: storage, parts: parts)
    error = try Self.error(values, core)
  }

  private static func storage(_ text: String) throws(TTKitError) -> any Storage {
    let spec = try Spec(parsing: "dense@\(text)")
    guard spec.terms.count == 1, let call = spec.terms[0].storage else {
      throw .invalidArgument("'\(text)' is not one storage such as int4(group=32)")
    }
    return try Registry.storage(call)
  }

  private static func error<T: RealScalar>(
    _ values: Tensor<T>, _ core: EncodedCore
  ) throws(TTKitError) -> Double {
    let lost = try subtracted(values, core.decoded(T.self)).norm
    return lost == 0 ? 0 : lost / values.norm
  }

  private static func encode<T: RealScalar>(
    _ values: Tensor<T>, _ storage: any Storage
  ) throws(TTKitError) -> (EncodedCore, Double) {
    guard values.isFinite else {
      throw .nonFinite("the array holds NaN or infinity; expected finite values")
    }
    let core = try EncodedCore(values, storage: storage)
    return (core, try error(values, core))
  }
}
