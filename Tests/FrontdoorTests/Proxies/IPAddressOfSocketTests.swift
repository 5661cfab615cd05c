import Glibc
import Identity
import NIOCore
import Testing

@testable import Frontdoor

@Suite struct IPAddressOfSocketTests {
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
