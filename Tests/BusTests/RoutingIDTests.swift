import Bus
import Identity
import Testing

@Suite struct RoutingIDTests {
    private func id(_ text: String) -> RoutingID? { RoutingID(bytes: Array(text.utf8)) }

    @Test func `it is readable and comes back`() throws {
        let id = RoutingID(
            owner: FrontdoorLoopID(
                frontdoor: try #require(FrontdoorID(1)), incarnation: Incarnation(rawValue: 35), loop: 0), link: 7)
        #expect(String(decoding: id.bytes, as: UTF8.self) == "f1.z.0/7")
        #expect(id.description == "f1.z.0/7")
        #expect(RoutingID(bytes: id.bytes) == id)
    }

    @Test func `the longest one is read`() throws {
        let id = RoutingID(
            owner: FrontdoorLoopID(
                frontdoor: try #require(FrontdoorID(65535)), incarnation: Incarnation(rawValue: .max), loop: .max),
            link: .max)
        #expect(RoutingID(bytes: id.bytes) == id)
    }

    @Test(arguments: [
        "", "f1.z.0", "f1.z.0/", "/7", "f1.z.0/7/8", "f01.z.0/7", "f1.Z.0/7", "f1.z.0/07", "f1.z.0/+7", "f1.z.+0/7",
        "f+1.z.0/7", "f1.0z.0/7", "f0.z.0/7", "f1.z.0/4294967296", "f1.z.0/7 ", "g1.z.0/7", "f1.z.0/７",
        String(repeating: "f", count: 300),
    ])
    func `other spellings are none`(text: String) { #expect(id(text) == nil) }

    @Test func `the names ZeroMQ draws are none`() {
        #expect(RoutingID(bytes: [0, 0x6B, 0x8B, 0x45, 0x67]) == nil)
        #expect(RoutingID(bytes: [0xFF, 0xFE]) == nil)
    }
}
