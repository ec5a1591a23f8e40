import CTTKit
import Testing
import TTKitC

@Suite struct BaseTests {
  @Test func version_isTheHeaders() {
    #expect(ttk_version() == 0x0000_0100)
  }

  @Test func statusName_ofAnUnknownNumber_isNotNull() {
    #expect(String(cString: ttk_status_name(99)) == "TTK_ERROR_UNKNOWN")
    #expect(String(cString: ttk_status_name(ttk_status(TTK_ERROR_SIZE))) == "TTK_ERROR_SIZE")
  }
}
