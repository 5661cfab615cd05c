import Identity
import JSONText
import Logging
import Sylkrtc
import Telemetry

/// What Janus knows of a handle: the admin API's `handle_info`.
struct HandleInfo: Equatable {
    enum Role: Equatable {
        /// In a room, as this publisher.
        case publisher(PublisherID, bitrate: Int?)
        case subscriber(isAnswered: Bool, isActive: Bool)
        /// Not in a room, or not any more.
        case none
    }

    let handle: JanusHandleID
    /// Whose it is.
    let opaqueID: String
    let role: Role
    /// Our end of its negotiation, gone when the media was hung up.
    let local: SessionDescription?
    let isMediaUp: Bool
    /// Its media is over.
    let isHungUp: Bool
    /// Of a handle of the SIP plugin.
    let sip: SIPHandleInfo?

    init(_ handle: JanusHandleID, _ info: JSONValue) {
        self.handle = handle
        opaqueID = info["opaque_id"]?.string ?? ""
        let plugin = info["plugin_specific"]
        let streams = plugin?["streams"]?.elements ?? []
        role =
            switch (plugin?["type"]?.string, plugin?["id"]?.integer(UInt64.self)) {
            case ("publisher", let id?):
                .publisher(PublisherID(rawValue: id), bitrate: plugin?["bitrate"]?.integer(Int.self))
            case ("subscriber", _):
                .subscriber(
                    isAnswered: plugin?["answered"]?.bool ?? false,
                    isActive: streams.contains { $0["active"]?.bool ?? true })
            default: .none
            }
        let flags = info["flags"]
        isHungUp = flags?["alert"]?.bool == true || flags?["stopped"]?.bool == true
        let sdp = info["sdps"]?["local"]
        local = isHungUp ? nil : sdp.flatMap { $0.isString ? SessionDescription($0.raw) : nil }
        isMediaUp = flags?["ready"]?.bool ?? false
        sip = SIPHandleInfo(info)
    }

    /// It has been in a room, is registered, or in a call: of several handles of one session, this one counts.
    var isInUse: Bool {
        switch role {
        case .publisher, .subscriber: true
        case .none: sip.map { $0.call != .idle || $0.username != nil } ?? false
        }
    }

    /// As a participant's machine sees it.
    func observation(as publisher: PublisherID) -> PublisherStateMachine.Observation {
        guard case .publisher(publisher, _) = role else { return PublisherStateMachine.Observation(handle: handle) }
        return PublisherStateMachine.Observation(
            handle: handle, answer: local, isMediaUp: isMediaUp, isHungUp: isHungUp)
    }

    /// As a subscription's machine sees it.
    var feedObservation: FeedStateMachine.Observation {
        guard case .subscriber(let isAnswered, let isActive) = role else {
            return FeedStateMachine.Observation(handle: handle)
        }
        return FeedStateMachine.Observation(
            handle: handle, offer: local, isAnswered: isAnswered, isMediaUp: isMediaUp, isActive: isActive && !isHungUp)
    }

    var bitrate: Int? {
        guard case .publisher(_, let bitrate) = role else { return nil }
        return bitrate
    }
}

extension HandleInfo {
    /// Nobody owns the handle. What a dead process may have asked for on it is awaited first, on one of the SIP plugin: all
    /// handles' messages go through one queue there, and a detach over a handle's first `register` stops it for two seconds
    /// (Janus 1.1.2, `janus_sip_handler`).
    func detach(from session: JanusSessionID, over gateway: JanusGateway, _ logger: Logger) {
        let question = sip == nil ? nil : SIPBody.ask
        let leftover = JanusHandle<Never>(
            handle, session: session, gateway: gateway, question: question, isInherited: true
        ) { _, _ in }
        leftover.detach { result in
            guard case .failure(let error) = result, !error.saysAlreadyGone else { return }
            logger.warning("detach failed", metadata: .keyed([.handle: "\(leftover.id)", .error: error.reason]))
        }
    }
}

/// Asks Janus about many handles, a few at a time, so that clients' requests find their way in between.
final class HandleInspection {
    /// Questions under way at a time.
    static let window = 8

    private let session: JanusSessionID
    private let admin: JanusGateway
    private var waiting: [JanusHandleID]
    private var again: Set<JanusHandleID> = []
    private var underWay = 0
    private var isOver = false
    /// Called once for each handle when it has been asked about, behind `found`.
    var asked: (JanusHandleID) -> Void = { _ in }
    /// Called once for each handle that exists, in about this order.
    var found: (HandleInfo) -> Void = { _ in }
    /// Called once, when all have been asked about, or when that cannot be done.
    var finished: (Result<Void, JanusError>) -> Void = { _ in }

    init(_ handles: [JanusHandleID], of session: JanusSessionID, admin: JanusGateway) {
        self.session = session
        self.admin = admin
        waiting = handles.reversed()
    }

    func start() {
        guard !waiting.isEmpty else { return finish(.success(())) }
        while underWay < Self.window, askNext() {}
    }

    private func askNext() -> Bool {
        guard !isOver, let handle = waiting.popLast() else { return false }
        underWay += 1
        admin.request("handle_info", session: session, handle: handle) { [self] result in
            underWay -= 1
            guard !isOver else { return }
            switch result {
            case .failure(let error) where error.saysAlreadyGone: break
            case .failure(.linkLost): return finish(.failure(.linkLost))
            // One handle that Janus cannot describe is not to hold up the others: it is asked about once more, last.
            case .failure: if again.insert(handle).inserted { waiting.insert(handle, at: 0) }
            case .success(let reply):
                guard case .done(let root) = reply, let info = root["info"] else {
                    return finish(.failure(.malformed("handle_info without info")))
                }
                found(HandleInfo(handle, info))
            }
            if waiting.first != handle { asked(handle) }
            if !askNext(), underWay == 0, !isOver { finish(.success(())) }
        }
        return true
    }

    private func finish(_ result: Result<Void, JanusError>) {
        isOver = true
        finished(result)
    }
}
