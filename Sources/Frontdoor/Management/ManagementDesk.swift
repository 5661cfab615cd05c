import Foundation
import Identity
import JSONText
import Logging
import NIOCore
import NIOHTTP1
import Registry
import Telemetry

/// Serves the SIP infrastructure, which knows of calls to users who are not connected: answers requests, and has their devices
/// told. An answer waits for the device tokens, and never for a push. Confined to its loop.
final class ManagementDesk {
    private let secret: SharedSecret?
    private let tokens: LoopDeviceTokens
    private let pushes: PushSender
    private let loop: any EventLoop
    private let logger: Logger
    private let newCallID: () -> String
    private let metrics = ManagementMetrics()
    private var refusals = LogGate(perSecond: 10)
    private var announcements = LogGate(perSecond: 20)

    /// - Parameter newCallID: what tells one call from another to the devices.
    init(
        secret: SharedSecret?, tokens: LoopDeviceTokens, pushes: PushSender, loop: any EventLoop, logger: Logger,
        newCallID: @escaping () -> String = { UUID().uuidString.lowercased() }
    ) {
        self.secret = secret
        self.tokens = tokens
        self.pushes = pushes
        self.loop = loop
        self.logger = logger
        self.newCallID = newCallID
    }

    func report(to report: inout MetricsReport) {
        metrics.report(to: &report)
        pushes.report(to: &report)
    }

    func answer(_ request: WholeRequest) -> EventLoopFuture<WholeReply> {
        let endpoint = ManagementRequest.endpoint(request)
        do throws(ManagementRefusal) {
            let asked = try ManagementRequest(request, secret: secret)
            let promise = loop.makePromise(of: WholeReply.self)
            serve(asked) { [self] reply in
                metrics.answered(endpoint, reply.status == .ok ? .success : .unavailable)
                promise.succeed(reply)
            }
            return promise.futureResult
        } catch {
            let (outcome, reply) = Self.refusal(error)
            return loop.makeSucceededFuture(refuse(request, outcome, reply))
        }
    }

    func refuseBody(of request: WholeRequest) -> WholeReply {
        refuse(request, .tooLarge, .failure(.payloadTooLarge, "the body is too long"))
    }

    private func serve(_ request: ManagementRequest, _ reply: @escaping (WholeReply) -> Void) {
        switch request {
        case .push(let event, let originator, let destination):
            // Its time begins when it is told, and not when the disk has answered.
            let message = PushMessage(
                event: event, originator: originator, destination: destination, told: loop.now, callID: newCallID())
            tokens.tokens(of: destination) { [self] tokens in
                guard let tokens = found(tokens, reply) else { return }
                reply(.success)
                announce(message, to: tokens)
            }
        case .tokens(let account):
            tokens.tokens(of: account) { [self] tokens in
                guard let tokens = found(tokens, reply) else { return }
                reply(.tokens(tokens))
            }
        case .add(let token, let account): change(DeviceTokenChange(removed: nil, added: token), account, reply)
        case .remove(let token, let account): change(DeviceTokenChange(removed: token, added: nil), account, reply)
        }
    }

    private func announce(_ message: PushMessage, to tokens: [String]) {
        if let suppressed = announcements.passes(at: loop.now) {
            logger.info(
                "push requested",
                metadata: .keyed([
                    .event: message.event.rawValue, .account: "\(message.destination)", .value: "\(tokens.count)",
                    .suppressed: "\(suppressed)",
                ]))
        }
        pushes.send(message, to: tokens)
    }

    private func found(
        _ tokens: Result<[String], RegistryError>, _ reply: (WholeReply) -> Void
    ) -> [String]? {
        switch tokens {
        case .success(let tokens): return tokens
        case .failure(let error):
            logger.error("device tokens cannot be read", metadata: .keyed([.error: "\(error)"]))
            reply(.failure(.serviceUnavailable, "device tokens cannot be read"))
            return nil
        }
    }

    private func change(
        _ change: DeviceTokenChange?, _ account: AddressOfRecord, _ reply: @escaping (WholeReply) -> Void
    ) {
        guard let change else { preconditionFailure("a token that was found good is empty") }
        tokens.change([change], of: account) { [logger] isStored in
            guard isStored else { return reply(.failure(.serviceUnavailable, "device tokens cannot be stored")) }
            logger.debug("device token changed", metadata: .keyed([.account: "\(account)"]))
            reply(.success)
        }
    }

    private static func refusal(_ refusal: ManagementRefusal) -> (ManagementOutcome, WholeReply) {
        switch refusal {
        case .unauthorized: (.unauthorized, WholeReply(status: .forbidden, body: "Authentication error"))
        case .unknownPath: (.unknownPath, .failure(.notFound, "there is nothing here"))
        case .wrongMethod(let allowed):
            (.wrongMethod, .failure(.methodNotAllowed, "only \(allowed)", allow: allowed))
        case .unusable(let text): (.unusable, .failure(.badRequest, text))
        }
    }

    private func refuse(_ request: WholeRequest, _ outcome: ManagementOutcome, _ reply: WholeReply) -> WholeReply {
        metrics.answered(ManagementRequest.endpoint(request), outcome)
        if let suppressed = refusals.passes(at: loop.now) {
            logger.warning(
                "management request refused",
                metadata: .keyed([
                    .peer: IPAddress(request.peer).map { "\($0)" } ?? "unknown", .reason: outcome.text,
                    .suppressed: "\(suppressed)",
                ]))
        }
        return reply
    }
}

extension WholeReply {
    fileprivate static let success = json(.ok) { $0.member("success", true) }

    fileprivate static func tokens(_ tokens: [String]) -> WholeReply {
        json(.ok) { writer in
            writer.array("tokens") { writer in for token in tokens { writer.value(token) } }
        }
    }

    fileprivate static func failure(_ status: HTTPResponseStatus, _ text: String, allow: String? = nil) -> WholeReply {
        json(status, allow: allow) { writer in
            writer.member("success", false)
            writer.member("error", text)
        }
    }

    private static func json(
        _ status: HTTPResponseStatus, allow: String? = nil, _ content: (inout JSONWriter) -> Void
    ) -> WholeReply {
        var writer = JSONWriter()
        writer.object(content)
        return WholeReply(
            status: status, type: "application/json", body: String(decoding: writer.bytes, as: UTF8.self), allow: allow)
    }
}
