import Identity
import Testing

@Suite struct IPAddressTests {
    @Test(arguments: ["0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::a:b", "fe80::1"])
    func `An address is what it was written as`(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == text)
        #expect(address.isVersion4 == text.contains("."))
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4x", "localhost", "[::1]", "::1%lo", "1.2.3.4:5", ":::1",
        " 1.2.3.4",
        String(repeating: "1", count: 100), "1.2.3.4\u{0}",
    ])
    func `Nothing else is one`(text: String) { #expect(IPAddress(text) == nil) }

    @Test func `Version 4 within version 6 is version 4`() throws {
        let address = try #require(IPAddress("::ffff:192.0.2.1"))
        #expect(address == IPAddress("192.0.2.1"))
        #expect(address.description == "192.0.2.1" && address.isVersion4)
    }

    @Test func `Others are of one client by their first 64 bits`() throws {
        #expect(IPAddress("2001:db8:1:2:3::4")?.network == IPAddress("2001:db8:1:2::"))
        #expect(IPAddress("2001:db8:1:3::")?.network != IPAddress("2001:db8:1:2::"))
        #expect(IPAddress("192.0.2.1")?.network == IPAddress("192.0.2.1"))
    }

    @Test func `Loopback is 127.0.0.0/8 and ::1`() {
        for text in ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"] {
            #expect(IPAddress(text)?.isLoopback == true, "\(text)")
        }
        for text in ["128.0.0.1", "10.127.0.1", "::", "::2", "fe80::1"] {
            #expect(IPAddress(text)?.isLoopback == false, "\(text)")
        }
    }
}
