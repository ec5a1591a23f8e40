// swift-tools-version: 6.3
import PackageDescription

// The boundary is unsafe by nature; below it every unsafe expression is marked.
let core: [SwiftSetting] = [.strictMemorySafety()]

// Debug builds can let the n-th allocation fail and count live bytes; release builds cannot.
let faults: [CSetting] = [.define("TTK_FAULTS", .when(configuration: .debug))]

let package = Package(
  name: "ttkit",
  products: [
    .library(name: "ttkit", type: .dynamic, targets: ["TTKitC"]),
    .library(name: "TTKit", targets: ["TTKit"]),
  ],
  targets: [
    .target(name: "CTTKit", path: "include", publicHeadersPath: "."),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
    .target(name: "CTTKKernels", cSettings: faults),
    .target(
      name: "TTKit", dependencies: ["CTTKKernels", "COpenBLAS", "CJansson"], swiftSettings: core),
    .target(name: "TTKitC", dependencies: ["TTKit", "CTTKit", "CTTKKernels"]),
    .testTarget(name: "TTKitTests", dependencies: ["TTKit", "CTTKKernels"]),
    .testTarget(name: "TTKitCTests", dependencies: ["TTKitC", "TTKit", "CTTKit", "CTTKKernels"]),
  ]
)
