import CTTKKernels

/// The kernel tables that this CPU can run, by name.
let levels: [String] = ["base", "v3", "v4", "vnni"].filter { ttkk_level($0) != nil }

/// The table of one of `levels`.
func kernels(_ level: String) -> ttkk_kernels { ttkk_level(level)!.pointee }
