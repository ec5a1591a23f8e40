import Testing

@testable import TTKit

@Suite(.serialized, .enabled(if: faultsWanted)) struct ModelFaults {
  let folder = TemporaryFolder()

  @Test func everyAllocationMayFail_compress() throws {
    try writeSampleModel(folder("in.safetensors"))
    let recipe = try Recipe(parsing: sampleRecipe)
    var options = CompressionOptions()
    options.executor = .serial
    let wanted = options
    try everyAllocationMayFail { () throws(TTKitError) in
      do throws(TTKitError) {
        try CompressionPipeline.run(
          source: folder("in.safetensors"), recipe: recipe, folder: folder("out"), options: wanted)
      } catch {
        guard try namesInFolder(folder("out")) == ["model.safetensors"] else {
          throw .internal("something is left")
        }
        throw error
      }
    }
  }

  @Test func everyAllocationMayFail_open() throws {
    let path = GoldenTests.golden + "v1/model.safetensors"
    try everyAllocationMayFail { () throws(TTKitError) in
      let model = try Model(path: path)
      _ = try model.linear("layer.0.weight")
      _ = try model.tensor("norm.weight")
    }
  }
}
