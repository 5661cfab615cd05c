import Testing

@testable import Telemetry

struct ManagementAddressTests {
    @Test(arguments: [
        ("127.0.0.1:20860-20869", "127.0.0.1", 20860...20869), ("localhost:9100", "localhost", 9100...9100),
        ("[::1]:1-65535", "::1", 1...65535), ("0.0.0.0:0", "0.0.0.0", 0...0),
    ])
    func `An address has a port or a range of them`(text: String, host: String, ports: ClosedRange<Int>) {
        #expect(ManagementAddress(text) == .ports(host: host, ports))
    }

    @Test(arguments: ["none", "None"])
    func `none is an address, too`(text: String) { #expect(ManagementAddress(text) == ManagementAddress.none) }

    @Test(arguments: [
        "", "127.0.0.1", ":80", "h:", "h:-", "h:1-", "h:-1", "h:2-1", "h:1-65536", "h:0-5", "h:1-2-3", "h:x", "h:+1",
    ])
    func `Anything else is none`(text: String) { #expect(ManagementAddress(text) == nil) }
}
