import Testing

@testable import Worker

@Suite struct JanusAddressTests {
    @Test(arguments: [
        ("ws://127.0.0.1:8188", "127.0.0.1", 8188, "/"), ("ws://janus:8188/", "janus", 8188, "/"),
        ("ws://janus/path?x=1", "janus", 80, "/path?x=1"), ("ws://janus", "janus", 80, "/"),
        ("ws://janus:1/a:2", "janus", 1, "/a:2"), ("ws://janus:65535", "janus", 65535, "/"),
    ])
    func `an address is host, port and path`(text: String, host: String, port: Int, path: String) throws {
        let address = try #require(JanusAddress(text))
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.path == path)
        #expect(address.description == "ws://\(host):\(port)\(path)")
    }

    @Test func `an IPv6 address has its brackets in the URI only`() throws {
        for (text, port) in [("ws://[::1]:8188/", 8188), ("ws://[::1]/", 80)] {
            let address = try #require(JanusAddress(text))
            #expect(address.host == "::1")
            #expect(address.port == port)
            #expect(address.description == "ws://[::1]:\(port)/")
        }
    }

    @Test(arguments: [
        "", "janus:8188", "http://janus:8188", "wss://janus:8188", "WS://janus", "ws:/janus", "ws://", "ws:///path",
        "ws://:8188", "ws://janus:secret@127.0.0.1:8188", "ws://janus:", "ws://janus:0", "ws://janus:65536",
        "ws://janus:port", "ws://janus:-1",
    ])
    func `anything else is none`(text: String) {
        #expect(JanusAddress(text) == nil)
    }
}
