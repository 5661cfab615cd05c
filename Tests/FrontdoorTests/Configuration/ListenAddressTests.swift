import Testing

@testable import Frontdoor

@Suite struct ListenAddressTests {
    @Test(arguments: [
        ("127.0.0.1:10888", "127.0.0.1", 10888), ("0.0.0.0:0", "0.0.0.0", 0), ("localhost:65535", "localhost", 65535),
        ("[::1]:80", "::1", 80), ("[::]:10888", "::", 10888),
    ])
    func `An address is host and port, IPv6 in brackets`(text: String, host: String, port: Int) {
        let address = ListenAddress(text)
        #expect(address?.host == host)
        #expect(address?.port == port)
        #expect(address?.description == text)
    }

    @Test(arguments: [
        "", ":", "localhost", "127.0.0.1:", ":10888", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http",
        "127.0.0.1:1e3", "[]:80", "127.0.0.1:99999999999999999999", "127.0.0.1: 80",
    ])
    func `Anything else is none`(text: String) {
        #expect(ListenAddress(text) == nil)
    }
}
