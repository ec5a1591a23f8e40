/// Lengths of an equation's axes, from the shapes of its arrays.

struct AxisLengths {
  private let equation: ContractionEquation
  private var found: [Int?]
  private var owners: [String]
  /// Longest axis of an operand with windows: positions are sums of few such numbers.
  private static let longest = 1 << 60

  /// - Parameter known: lengths of the first axes from elsewhere; nothing is to be inferred for these.
  /// - Throws: `.invalidArgument` for shapes that do not fit; `.sizeOverflow`.
  init(
    _ equation: ContractionEquation, _ shapes: [[Int]], known: [Int] = []
  ) throws(TTKitError) {
    self.equation = equation
    found = equation.names.indices.map { $0 < known.count ? known[$0] : nil }
    owners = equation.names.map { _ in "the equation" }
    for k in equation.operands.indices { try noteOperand(k, shapes[k]) }
    for (q, vector) in (equation.readings?.vectors ?? []).enumerated() {
      let shape = shapes[equation.operands.count + q]
      guard shape.count == 1, shape[0] >= 0 else {
        throw .invalidArgument(
          "index vector '\(vector.name)' has shape \(describe(shape)), expected one axis")
      }
      try note(vector.axis, shape[0], "index vector '\(vector.name)'")
    }
    try noteWindows(shapes)
  }

  /// By axis number; 1 for axes that nothing has.
  var lengths: [Int] { found.map { $0 ?? 1 } }

  private mutating func noteOperand(_ k: Int, _ shape: [Int]) throws(TTKitError) {
    let readings = equation.readings(of: k)
    guard readings.count == shape.count else {
      throw .invalidArgument(
        "operand \(k) has shape \(describe(shape)), the equation gives it \(readings.count) axes: "
          + "'\(equation.spell(operand: k))'")
    }
    for (reading, length) in zip(readings, shape) {
      guard length >= 0 else {
        throw .invalidArgument("operand \(k) has the negative length \(length)")
      }
      if case .plain(let axis) = reading { try note(axis, length, "operand \(k)") }
    }
  }

  private mutating func note(_ axis: Int, _ length: Int, _ owner: String) throws(TTKitError) {
    if let known = found[axis], known != length {
      throw .invalidArgument(
        "axis '\(equation.names[axis])' has length \(known) in \(owners[axis]) and \(length) in "
          + "\(owner); axes of one name must agree")
    }
    (found[axis], owners[axis]) = (length, owner)
  }

  private struct Window {
    let operand: Int
    let length: Int
    let terms: [WindowTerm]
    let offset: Int
  }

  /// The one unknown length of each window: as many positions as fit, with as many zeros behind the end as
  /// there are before the start.
  private mutating func noteWindows(_ shapes: [[Int]]) throws(TTKitError) {
    var open: [Window] = []
    for (k, places) in (equation.readings?.operands ?? []).enumerated() {
      for (place, reading) in places.enumerated() {
        guard case .window(let terms, let offset) = reading else { continue }
        open.append(Window(operand: k, length: shapes[k][place], terms: terms, offset: offset))
      }
    }
    while let first = open.first {
      var later: [Window] = []
      for window in open {
        if window.terms.count(where: { found[$0.axis] == nil }) > 1 {
          later.append(window)
        } else {
          try fit(window)
        }
      }
      guard later.count < open.count else {
        throw .invalidArgument(
          "operand \(first.operand), '\(equation.spell(operand: first.operand))': only one axis of a "
            + "window may have no length of its own; let another operand have the others")
      }
      open = later
    }
  }

  private mutating func fit(_ window: Window) throws(TTKitError) {
    guard window.length <= Self.longest else {
      throw .sizeOverflow(
        "operand \(window.operand) has an axis of length \(window.length), too long for a window")
    }
    // Positions from the first to the last that may be read: at most 2^60 + 2^32.
    var room = window.length - 1 + max(0, -window.offset) - window.offset
    var unknown: WindowTerm?
    for term in window.terms {
      guard let known = found[term.axis] else {
        unknown = term
        continue
      }
      guard known > 0 else {
        throw .invalidArgument(
          "axis '\(equation.names[term.axis])' of a window has length 0, expected at least 1")
      }
      let (reach, overflow) = (known - 1).multipliedReportingOverflow(by: term.factor)
      guard !overflow, reach <= Self.longest << 1 else { throw tooFar(window) }
      room -= reach
      guard room >= 0 else { throw tooFar(window) }
    }
    guard room >= 0 else { throw tooFar(window) }
    guard let unknown else { return }
    try note(unknown.axis, room / unknown.factor + 1, "a window of operand \(window.operand)")
  }

  private func tooFar(_ window: Window) -> TTKitError {
    let zeros = window.offset < 0 ? " with \(-window.offset) zeros on either side" : ""
    return .invalidArgument(
      "operand \(window.operand), '\(equation.spell(operand: window.operand))': the window reaches beyond "
        + "an axis of length \(window.length)\(zeros); use a smaller window or more zeros")
  }
}
