/// What a two-dimensional convolution is made of: one or more plain convolutions, one after the other.

/// Steps along height and width.
public struct ConvolutionSteps: Sendable, Equatable {
  public var stride: [Int]
  public var padding: [Int]
  public var dilation: [Int]

  /// - Throws: `.invalidArgument` for a stride or dilation below 1 and a padding below 0.
  public init(
    stride: [Int] = [1, 1], padding: [Int] = [0, 0], dilation: [Int] = [1, 1]
  ) throws(TTKitError) {
    let most = 1 << 20
    for (name, values, least) in [
      ("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1),
    ] {
      guard values.count == 2, values.allSatisfy({ $0 >= least && $0 <= most }) else {
        throw .invalidArgument(
          "\(name) is \(describe(values)), expected two of \(least) to \(most)")
      }
    }
    (self.stride, self.padding, self.dilation) = (stride, padding, dilation)
  }

  /// No steps and no padding: what a 1 x 1 convolution has.
  static let none = ConvolutionSteps()

  private init() { (stride, padding, dilation) = ([1, 1], [0, 0], [1, 1]) }

  /// The steps along one axis alone.
  func along(_ axis: Int) -> ConvolutionSteps {
    var one = Self.none
    one.stride[axis] = stride[axis]
    one.padding[axis] = padding[axis]
    one.dilation[axis] = dilation[axis]
    return one
  }
}

/// One convolution with weights (outputs, inputs, kh, kw), or (channels, kh · kw) when each channel is on
/// its own (depthwise), of which kh or kw is 1.
struct ConvolutionStage: Sendable {
  let inputs: Int
  let outputs: Int
  let kernel: [Int]
  let steps: ConvolutionSteps
  let isDepthwise: Bool

  /// Rows and columns that a window spans.
  var span: [Int] { [0, 1].map { (kernel[$0] - 1) * steps.dilation[$0] + 1 } }

  /// Every output pixel sees its own input pixel alone.
  var isPointwise: Bool { kernel == [1, 1] && steps == .none && !isDepthwise }

  /// Inputs that an output pixel of a channel sums over.
  var depth: Int { (isDepthwise ? 1 : inputs) * kernel[0] * kernel[1] }  // live weights

  /// Height and width of the output.
  /// - Throws: `.invalidArgument` when the window does not fit the padded input.
  func outputSize(_ size: [Int]) throws(TTKitError) -> [Int] {
    var result: [Int] = []
    for axis in 0...1 {
      let (padded, overflow) = size[axis].addingReportingOverflow(2 * steps.padding[axis])
      guard !overflow else {
        throw .sizeOverflow("a padded length of \(size[axis]) exceeds 2^63 - 1")
      }
      guard padded >= span[axis] else {
        throw .invalidArgument(
          "an input of \(size[0]) x \(size[1]) is smaller with its padding than the window of "
            + "\(span[0]) x \(span[1]); pad more")
      }
      result.append((padded - span[axis]) / steps.stride[axis] + 1)
    }
    return result
  }
}
