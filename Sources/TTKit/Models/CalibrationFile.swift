/// Files of second moments that calibration left: what the weights of a model see.

/// An open calibration: a safetensors file with `moment.k` (n, n), `total.k` (n) and `count.k` (1), and
/// metadata that says which k a weight has.
public final class CalibrationFile: Sendable {
  public static let key = "ttkit_calibration"
  private static let version = 1
  private let file: SafetensorsFile
  private let places: [String: Int]

  /// - Throws: `.io`, `.format` when it is no calibration, `.version` for one of a newer library.
  public init(path: String) throws(TTKitError) {
    file = try SafetensorsFile(path: path)
    guard let text = file.metadata(Self.key), let about = try? JSONValue(parsing: text).object,
      let weights = about["weights"]?.object
    else {
      throw .format("\(path) is no calibration; make one with ttkit.calibrate and save it")
    }
    guard about["version"]?.integer == Self.version else {
      throw .version("\(path) is a calibration of another version; calibrate again")
    }
    var places: [String: Int] = [:]
    for place in weights.members {
      guard let k = place.value.integer else {
        throw .format("\(path) has no number for \(place.key)")
      }
      places[place.key] = k
    }
    self.places = places
  }

  /// True when the inputs of this weight are known.
  public func knows(_ weight: String) -> Bool { places[weight] != nil }

  /// The moment of a weight's inputs, nil for one that is not in the file.
  ///
  /// - Throws: `.format` when it is of another width, or damaged.
  public func moment(
    _ weight: String, width: Int, usesMean: Bool
  ) throws(TTKitError) -> InputMoment? {
    guard let k = places[weight] else { return nil }
    let second = try numbers("moment.\(k)", [width, width], weight)
    let total = try numbers("total.\(k)", [width], weight)
    guard let entry = file.entry("count.\(k)"), entry.dtype == .int64, entry.shape == [1] else {
      throw .format("\(file.path) lacks count.\(k), of \(weight)")
    }
    let count = try file.tensor(of: entry, as: Int64.self).elements[0]
    let sums = try Tensor<Double>(shape: [width + 1, width + 1]) { out in
      second.withSpan { span in
        for i in 0..<width { for j in 0..<width { out[i * (width + 1) + j] = span[i * width + j] } }
      }
      total.withSpan { span in
        for i in 0..<width {
          out[i * (width + 1) + width] = span[i]
          out[width * (width + 1) + i] = span[i]
        }
      }
      out[(width + 1) * (width + 1) - 1] = Double(count)
    }
    return try InputMoment(sums: sums, width: width, usesMean: usesMean)
  }

  private func numbers(
    _ name: String, _ shape: [Int], _ weight: String
  ) throws(TTKitError) -> Tensor<Double> {
    guard let entry = file.entry(name), entry.dtype == .float64 else {
      throw .format("\(file.path) lacks \(name) in float64, of \(weight)")
    }
    guard entry.shape == shape else {
      throw .invalidArgument(
        "the calibration of \(weight) is of \(describe(entry.shape)), expected "
          + "\(describe(shape)); was it made with this model?")
    }
    return try file.tensor(of: entry, as: Double.self)
  }
}
