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
