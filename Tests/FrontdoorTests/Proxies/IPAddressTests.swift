import Glibc
import NIOCore
import Testing

@testable import Frontdoor

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

    @Test func `The other end of a socket is found out, and what is no socket has none`() throws {
        let listening = try TestSockets.listening()
        defer { listening.close() }
        let client = try TestSockets.connect(to: listening)
        defer { close(client) }
        #expect(IPAddress(peerOf: client) == IPAddress("127.0.0.1"))
        #expect(IPAddress(peerOf: listening.descriptor) == nil)
        let (one, other) = try TestSockets.pair()
        #expect(IPAddress(peerOf: one) == nil)
        close(one)
        close(other)
        #expect(IPAddress(try SocketAddress(ipAddress: "2001:db8::1", port: 1)) == IPAddress("2001:db8::1"))
        #expect(IPAddress(nil as SocketAddress?) == nil)
    }
}
