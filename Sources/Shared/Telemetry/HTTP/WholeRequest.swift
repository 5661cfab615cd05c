import NIOCore
import NIOHTTP1

/// A request that has come in whole: head and body, both small.
public struct WholeRequest: Sendable {
    public let method: HTTPMethod
    /// As it was sent, escapes and all, without the query.
    public let path: String
    public let headers: HTTPHeaders
    public let body: [UInt8]
    /// Who sent it; nil when the system does not know.
    public let peer: SocketAddress?

    public init(
        method: HTTPMethod, path: String, headers: HTTPHeaders = [:], body: [UInt8] = [], peer: SocketAddress? = nil
    ) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.peer = peer
    }

    init(_ head: HTTPRequestHead, body: [UInt8] = [], peer: SocketAddress?) {
        self.init(
            method: head.method, path: String(head.uri.prefix { $0 != "?" }), headers: head.headers, body: body,
            peer: peer)
    }
}

/// What it is answered.
public struct WholeReply: Equatable, Sendable {
    public let status: HTTPResponseStatus
    public let type: String
    public let body: String
    /// The methods that would do, where the one that was used does not.
    public let allow: String?

    public init(
        status: HTTPResponseStatus, type: String = "text/plain; charset=utf-8", body: String, allow: String? = nil
    ) {
        self.status = status
        self.type = type
        self.body = body
        self.allow = allow
    }
}

/// Who answers requests. Called on the loop of the connection, as is what comes of it.
public protocol WholeRequestAnswering: Sendable {
    func answer(_ request: WholeRequest, on loop: any EventLoop) -> EventLoopFuture<WholeReply>

    /// - Parameter request: without its body, which is longer than anybody reads.
    func refuseBody(of request: WholeRequest) -> WholeReply
}
