@testable import TTKit

/// Smooth deterministic values, different for every name.
func sampleValues(_ count: Int, seed: Int) -> [Float] {
  (0..<count).map { i in
    let x = (i &* 7919 &+ seed &* 104729) % 1009
    return Float(x) / 1009 - 0.5
  }
}

/// Little-endian upper halves of floats: bfloat16, rounded towards zero.
func halfBytes(_ values: [Float]) throws -> Tensor<UInt8> {
  let raw = values.flatMap { value in
    [UInt8(truncatingIfNeeded: value.bitPattern >> 16), UInt8(value.bitPattern >> 24)]
  }
  return try Tensor(shape: [raw.count], elements: raw)
}

/// A model as others write them: an embedding, two layers, a bias, a norm, odd dtypes.
func writeSampleModel(_ path: String, without skipped: Set<String> = []) throws {
  let writer = try SafetensorsWriter(path: path)
  func add(_ name: String, _ shape: [Int], seed: Int) throws {
    if skipped.contains(name) { return }
    let values = sampleValues(shape.reduce(1, *), seed: seed)
    try writer.add(name: name, dtype: .float32, shape: shape, bytes: bytes(values))
  }
  try add("word_embeddings.weight", [10, 8], seed: 1)
  try add("layer.0.weight", [6, 8], seed: 2)
  try add("layer.0.bias", [6], seed: 3)
  try add("norm.weight", [8], seed: 4)
  try add("stored_as_in_out", [8, 3], seed: 5)
  if !skipped.contains("layer.1.weight") {
    try writer.add(
      name: "layer.1.weight", dtype: .bfloat16, shape: [4, 6],
      bytes: halfBytes(sampleValues(24, seed: 6)))
  }
  try writer.add(
    name: "odd", dtype: .uint16, shape: [3],
    bytes: Tensor(shape: [6], elements: [1, 2, 3, 4, 5, 6]))
  try writer.write(metadata: [("format", "pt")])
}

let sampleRecipe = """
  {"word_embeddings.weight": "train_matrix(rows=3x4, columns=2x4, rank=4)@float16",
   "head.weight": {"tied": "word_embeddings.weight"},
   "stored_as_in_out": {"spec": "low_rank(rank=2)", "transpose": true},
   "norm*": "dense@int8", "odd": "dense@int8",
   "*.weight": "low_rank(rank=2)@float16 + dense@int8(group=4)"}
  """

/// Compresses and returns what failed, if anything.
func compress(
  _ source: String, _ folder: String, recipe: String = sampleRecipe,
  _ set: (inout CompressionOptions) -> Void = { _ in }
) throws -> TTKitError? {
  let recipe = try Recipe(parsing: recipe)
  var options = CompressionOptions()
  options.executor = .serial
  set(&options)
  let wanted = options
  return failure { () throws(TTKitError) in
    try CompressionPipeline.run(source: source, recipe: recipe, folder: folder, options: wanted)
  }
}
