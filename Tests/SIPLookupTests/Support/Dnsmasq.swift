import Foundation
import Glibc

@testable import SIPLookup

/// A real name server on a loopback port, with nothing in it but what its options say.
final class Dnsmasq {
    struct Failure: Error { let text: String }

    let server: NameServer
    private let process = Process()

    /// Returns when it answers.
    init(_ options: [String]) throws {
        let port = try Self.freePort()
        server = NameServer(address("127.0.0.1"), port: port)
        process.executableURL = URL(fileURLWithPath: "/usr/sbin/dnsmasq")
        process.arguments =
            [
                "--conf-file=/dev/null", "--pid-file", "--no-resolv", "--no-hosts",
                "--no-daemon",
                "--listen-address=127.0.0.1", "--bind-interfaces", "--port=\(port)", "--log-facility=-",
                "--user=\(NSUserName())", "--local=/#/", "--local-ttl=60",
            ] + options
        let said = Pipe()
        process.standardError = said
        try process.run()
        var text = ""
        while !text.contains("started, version") {
            let data = said.fileHandleForReading.availableData
            guard !data.isEmpty else { throw Failure(text: "dnsmasq has ended: \(text)") }
            text += String(decoding: data, as: UTF8.self)
        }
    }

    /// It has nothing to tidy up, and inherits from the threads of tests that it does not listen to gentler signals.
    func stop() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    private static func freePort() throws -> UInt16 {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(socket, address, length) == 0 ? getsockname(socket, address, &length) : -1
            }
        }
        guard status == 0 else { throw Failure(text: "no port is free: \(errno)") }
        return UInt16(bigEndian: name.sin_port)
    }
}
