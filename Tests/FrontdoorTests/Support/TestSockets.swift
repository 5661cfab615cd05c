import Bus
import Foundation
import Testing

@testable import Frontdoor

/// Sockets by their descriptors.
enum TestSockets {
    /// On a free port of loopback.
    static func listening() throws -> ListeningSocket {
        try .bind(to: try #require(ListenAddress("127.0.0.1:0")))
    }

    static func pair() throws -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        return (ends[0], ends[1])
    }

    static func connect(to path: IPCPath) throws -> Int32 {
        let client = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.path.utf8) }
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(client, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(connected == 0)
        return client
    }

    /// A client of that socket, accepted or not.
    static func connect(to listening: ListeningSocket) throws -> Int32 {
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr()
        var length = socklen_t(MemoryLayout<sockaddr>.size)
        try #require(getsockname(listening.descriptor, &address, &length) == 0)
        try #require(Foundation.connect(client, &address, length) == 0)
        return client
    }
}
