import CTTKKernels
import CTTKit
import Testing
import TTKitC

/// Specs that take every path: formats, storages, sums.
private let specs = [
  "dense", "dense@int8(group=4)", "dense@float16", "low_rank(rank=3)",
  "train(rows=3x4, columns=2x4, rank=3)", "train_matrix(rows=3x4, columns=2x4, rank=3)",
  "low_rank(rank=2) + dense@int8(group=8)", "sparse(count=9)@float16 + low_rank(rank=2)",
]

extension FaultLoops {
  /// Every entry point of layers that allocates, with every one of its allocations failing in turn.
  @Suite(.serialized) struct LayerFaultTests {
    @Test(arguments: specs) func everyAllocationMayFail_linear(spec: String) throws {
      let (weight, bias) = (CArray([12, 8]), CArray([12]))
      everyAllocationMayFail(
        "fit \(spec)", { ttk_linear_fit(&weight.array, spec, &bias.array, nil, $0) },
        ttk_linear_destroy)
      let layer = try makeLinear(spec)
      var options = prepareOptions(rows: 5)
      everyAllocationMayFail(
        "prepare \(spec)", { ttk_linear_prepare(layer.handle, &options, $0) },
        ttk_linear_plan_destroy)
      let dtype = ttk_linear_dtype(layer.handle)
      let dense = CArray([12, 8])
      dense.array.dtype = dtype
      everyAllocationMayFail("to_array \(spec)") {
        ttk_linear_to_array(layer.handle, &dense.array)
      }
    }

    @Test func everyAllocationMayFail_fromCores() throws {
      let (a, b) = (CArray([12, 3]), CArray([3, 8]))
      var cores = [a.array, b.array]
      everyAllocationMayFail(
        "linear_from_cores",
        { ttk_linear_from_cores("low_rank(rank=3)", 12, 8, 2, &cores, nil, $0) },
        ttk_linear_destroy)
      everyAllocationMayFail(
        "embedding_from_cores",
        { ttk_embedding_from_cores("low_rank(rank=3)@int8", 12, 8, 2, &cores, $0) },
        ttk_embedding_destroy)
    }

    @Test(arguments: specs) func everyAllocationMayFail_embedding(spec: String) throws {
      let table = CArray([12, 8])
      everyAllocationMayFail(
        "fit \(spec)", { ttk_embedding_fit(&table.array, spec, nil, $0) }, ttk_embedding_destroy)
      let layer = try makeEmbedding(spec)
      var options = prepareOptions(rows: 5)
      var made: OpaquePointer?
      if spec.hasPrefix("dense") {  // reads the stored core in place: nothing to allocate
        #expect(ttk_embedding_prepare(layer.handle, &options, &made) == ok)
        ttk_embedding_plan_destroy(made)
      } else {
        everyAllocationMayFail(
          "prepare \(spec)", { ttk_embedding_prepare(layer.handle, &options, $0) },
          ttk_embedding_plan_destroy)
      }
    }

    @Test(arguments: specs) func execute_allocatesNothing(spec: String) throws {
      let plan = try prepareLinear(makeLinear(spec), rows: 40)
      let lookup = try prepareEmbedding(makeEmbedding(spec), rows: 40)
      let (x, y) = (CArray([40, 8]), CArray([40, 12]))
      let size = max(
        ttk_linear_plan_workspace_size(plan.handle),
        ttk_embedding_plan_workspace_size(lookup.handle))
      let workspace = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
      defer { workspace.deallocate() }
      let ids = (0..<40).map { Int64($0 % 12) }
      let before = ttkk_allocation_count()
      for rows: Int64 in [0, 1, 13, 40] {
        #expect(
          ttk_linear_execute(plan.handle, x.data, rows, y.data, workspace, size) == ok)
        #expect(
          ttk_embedding_execute(
            lookup.handle, ids, ttk_dtype(TTK_INT64), rows, y.data, workspace, size) == ok)
      }
      #expect(ttkk_allocation_count() == before)
    }
  }
}
