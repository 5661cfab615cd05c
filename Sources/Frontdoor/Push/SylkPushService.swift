import AsyncHTTPClient
import JSONText
import NIOCore
import NIOHTTP1

/// A sylk-push server: one request for each device.
final class SylkPushService: PushService, Sendable {
    /// Bytes of an answer that are read.
    private static let maximumAnswer = 64 << 10

    private let url: String
    private let settings: PushSettings
    private let loop: any EventLoop
    private let client: HTTPClient

    /// - Parameters:
    ///   - url: of the settings.
    ///   - loop: also of the client's sockets.
    init(_ url: String, _ settings: PushSettings, on loop: any EventLoop) {
        self.url = url
        self.settings = settings
        self.loop = loop
        var configuration = HTTPClient.Configuration()
        configuration.httpVersion = .http1Only
        configuration.redirectConfiguration = .disallow
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = PushQueueStateMachine.maximumUnderWay
        // Who tries again, and when, is decided elsewhere.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroup: loop, configuration: configuration)
    }

    func send(_ push: Push, by deadline: NIODeadline, then: @escaping (PushOutcome) -> Void) {
        let bound = NIOLoopBound(then, eventLoop: loop)
        let request: HTTPClient.Request
        do {
            request = try HTTPClient.Request(
                url: url, method: .POST, headers: ["User-Agent": "SylkServer", "Content-Type": "application/json"],
                body: .bytes(SylkPushMessage.body(push, settings)))
        } catch {
            let reason = "\(error)".excerpt
            loop.execute { bound.value(.rejected(code: 0, reason: reason)) }
            return
        }
        client.execute(
            request: request, delegate: ResponseAccumulator(request: request, maxBodySize: Self.maximumAnswer),
            eventLoop: .delegateAndChannel(on: loop), deadline: deadline
        ).futureResult.hop(to: loop).whenComplete { result in bound.value(Self.outcome(result, token: push.token)) }
    }

    /// After the last outcome.
    func stop() async {
        do {
            try await client.shutdown()
        } catch {
            preconditionFailure("the push client was stopped twice: \(error)")
        }
    }

    private static func outcome(_ result: Result<HTTPClient.Response, any Error>, token: String) -> PushOutcome {
        switch result {
        case .success(let response):
            let body = response.body.map { Array($0.readableBytesView) } ?? []
            return SylkPushMessage.outcome(Int(response.status.code), body, token: token)
        case .failure(let error as ResponseAccumulator.ResponseTooBigError):
            // It has been told.
            return .failed(code: 0, reason: "\(error)")
        case .failure(let error): return .unreachable(reason: "\(error)".excerpt)
        }
    }
}
