import CTTKit
import Glibc
import TTKitC
import Testing

extension FaultLoops {
  /// Every entry point of trains that allocates, with every one of its allocations failing in turn.
  @Suite(.serialized) struct TrainFaultTests {
    @Test func everyAllocationMayFail_trains() throws {
      // Large enough to be peeled, projected and split.
      let array = CArray([8, 8, 4, 4, 4, 8])
      var options = svdOptions()
      options.rtol = 0.5
      everyAllocationMayFail("svd") { ttk_svd(&array.array, &options, $0) }
      // Large enough for samples: elements i² mod 17 have ranks of 17 at most.
      let large = CArray([16, 16, 16, 32])
      options.rtol = 1e-6
      everyAllocationMayFail("svd, sampled") { ttk_svd(&large.array, &options, $0) }
      let small = CArray([3, 4, 5])
      everyAllocationMayFail("svd, small") { ttk_svd(&small.array, nil, $0) }
      let core = CArray([1, 4, 1])
      var cores = [core.array, core.array]
      everyAllocationMayFail("from_cores") { ttk_train_from_cores(2, &cores, $0) }
      let (a, b) = (try makeTrain(), try makeTrain())
      everyAllocationMayFail("round") { ttk_train_round(a.handle, nil, $0) }
      everyAllocationMayFail("add") { ttk_train_add(a.handle, b.handle, $0) }
      everyAllocationMayFail("subtract") { ttk_train_subtract(a.handle, b.handle, $0) }
      everyAllocationMayFail("hadamard") { ttk_train_hadamard(a.handle, b.handle, $0) }
      var factor = 2.0
      everyAllocationMayFail("scale") { ttk_train_scale(a.handle, &factor, $0) }
      everyAllocationMayFail("sum") { ttk_train_sum(a.handle, 1, [1], nil, $0) }
      everyAllocationMayFail("orthogonalize") { ttk_train_orthogonalize(a.handle, 0, 1, 2, $0) }
      everyAllocationMayFail("transpose") { ttk_train_transpose(a.handle, [1, 0, 2], nil, $0) }
      everyAllocationMayFail("reverse") { ttk_train_transpose(a.handle, [2, 1, 0], nil, $0) }
      everyAllocationMayFail("reshape") { ttk_train_reshape(a.handle, 3, [6, 2, 5], nil, $0) }
      everyAllocationMayFail("slice") { ttk_train_slice(a.handle, [0, 1, 0], [2, 0, 5], nil, $0) }
      let both: [OpaquePointer?] = [a.handle, b.handle]
      everyAllocationMayFail("concatenate") { ttk_train_concatenate(2, both, 1, $0) }
      var value = 0.0
      everyAllocationMayFail("dot") {
        ttk_train_dot(a.handle, b.handle, &value)
      } destroy: {
        true
      }
      everyAllocationMayFail("norm") {
        ttk_train_norm(a.handle, &value)
      } destroy: {
        true
      }
      everyAllocationMayFail("evaluate") {
        ttk_train_evaluate(a.handle, 1, [0, 0, 0], &value)
      } destroy: {
        true
      }
      let dense = CArray([3, 4, 5])
      everyAllocationMayFail("to_array") {
        ttk_train_to_array(a.handle, &dense.array)
      } destroy: {
        true
      }
    }

    @Test func everyAllocationMayFail_products() throws {
      // Pairs of ranks above those that are multiplied out anyway.
      let a = try makeTrain([5, 5, 5])
      for method: ttk_product_method in [1, 2, 3, 4] {
        everyAllocationMayFail("multiply \(method)") {
          ttk_train_multiply(a.handle, a.handle, method, nil, $0)
        }
      }
      var sum: OpaquePointer?
      #expect(ttk_train_add(a.handle, a.handle, &sum) == ok)
      defer { ttk_train_destroy(sum) }
      everyAllocationMayFail("round a redundant sum") { ttk_train_round(sum, nil, $0) }
    }

    @Test func everyAllocationMayFail_trainMatrices() throws {
      let destroy: (OpaquePointer?) -> Void = { ttk_train_matrix_destroy($0) }
      let array = CArray([6, 8])
      everyAllocationMayFail(
        "matrix_from_array",
        { ttk_train_matrix_from_array(&array.array, 2, [2, 3], [4, 2], nil, $0) }, destroy)
      let core = CArray([1, 2, 3, 1])
      everyAllocationMayFail(
        "matrix_from_cores", { ttk_train_matrix_from_cores(1, &core.array, $0) }, destroy)
      let matrix = try makeMatrix()
      defer { ttk_train_matrix_destroy(matrix) }
      everyAllocationMayFail(
        "matrix_transpose", { ttk_train_matrix_transpose(matrix, $0) }, destroy)
      everyAllocationMayFail("matrix_round", { ttk_train_matrix_round(matrix, nil, $0) }, destroy)
      let x = try makeTrain([4, 2])
      everyAllocationMayFail("matrix_multiply_train") {
        ttk_train_matrix_multiply_train(matrix, x.handle, $0)
      }
      let (right, result, dense) = (CArray([8, 2]), CArray([6, 2]), CArray([6, 8]))
      everyAllocationMayFail("matrix_multiply_array") {
        ttk_train_matrix_multiply_array(matrix, &right.array, &result.array)
      } destroy: {
        true
      }
      everyAllocationMayFail("matrix_to_array") {
        ttk_train_matrix_to_array(matrix, &dense.array)
      } destroy: {
        true
      }
    }

    @Test func everyAllocationMayFail_files() throws {
      let path = "/tmp/ttkit-fault-\(getpid()).safetensors"
      defer { unlink(path) }
      let train = try makeTrain()
      #expect(ttk_train_save(train.handle, path) == ok)
      everyAllocationMayFail("load") { ttk_train_load(path, $0) }
      // The first numbers of a file that holds others are numbers, too.
      let shape: [Int64] = [3, 2]
      everyAllocationMayFail("svd_file") {
        ttk_svd_file(path, 0, ttk_dtype(TTK_FLOAT32), 2, shape, nil, $0)
      }
      let matrix = try makeMatrix()
      defer { ttk_train_matrix_destroy(matrix) }
      #expect(ttk_train_matrix_save(matrix, path) == ok)
      everyAllocationMayFail(
        "matrix_load", { ttk_train_matrix_load(path, $0) }, { ttk_train_matrix_destroy($0) })
    }
  }
}
