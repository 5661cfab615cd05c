import Identity
import JSONText
import Logging
import NIOCore
import Registry
import Sylkrtc
import Telemetry

/// A session's row in the registry and its handle in Janus: the effects of the steps that ``HandleLife`` decides, whatever
/// the session is for. `Message` says what its messages to Janus are for.
final class SessionHandle<Message> {
    private let id: SessionID
    private let possession: SlotPossession
    private let logger: Logger
    private let points: (record: FaultPoint, attach: FaultPoint, detach: FaultPoint)
    private var handle: JanusHandle<Message>?
    private var slowLinks = SlowLinks()

    private var faults: FaultPoints { possession.faults }

    /// - Parameter points: where tests end the process, at record, attach and detach.
    init(
        _ id: SessionID, possession: SlotPossession,
        points: (record: FaultPoint, attach: FaultPoint, detach: FaultPoint), logger: Logger
    ) {
        self.points = points
        self.id = id
        self.possession = possession
        self.logger = logger
    }

    /// Messages can be sent.
    var isAttached: Bool { handle != nil }

    func record(_ row: SessionRow, completion: @escaping (Result<Void, RegistryError>) -> Void) {
        faults.before(points.record)
        possession.write { store, owner throws(RegistryError) in
            try store.recordSession(row, owner: owner)
        } then: { [self] result in
            faults.after(points.record)
            if case .failure(let error) = result {
                logger.error("the session could not be recorded", metadata: .keyed([.error: "\(error)"]))
            }
            completion(result)
        }
    }

    /// Goes on with a predecessor's handle. What it has said meanwhile is received at once.
    func adopt(_ handle: JanusHandleID, receive: @escaping (JanusEvent, Message?) -> Void) {
        possession.recordHandle(handle, of: id)
        let adopted = JanusHandle<Message>(
            handle, session: possession.janusSession, gateway: possession.gateway, receive: receive)
        self.handle = adopted
        adopted.receiveEvents()
    }

    /// Goes on with a handle that another one has attached; who has it is noted elsewhere.
    func take(_ handle: JanusHandleID, receive: @escaping (JanusEvent, Message?) -> Void) {
        let taken = JanusHandle<Message>(
            handle, session: possession.janusSession, gateway: possession.gateway, receive: receive)
        self.handle = taken
        taken.receiveEvents()
    }

    /// The handle is of no use any more; another one may be taken.
    func discard() {
        guard let handle else { return }
        self.handle = nil
        handle.detach { [logger] result in
            guard case .failure(let error) = result, !error.saysAlreadyGone else { return }
            logger.warning("detach failed", metadata: .keyed([.error: error.reason, .handle: "\(handle.id)"]))
        }
    }

    var handleID: JanusHandleID? { handle?.id }

    func attach(
        receive: @escaping (JanusEvent, Message?) -> Void,
        completion: @escaping (Result<JanusHandleID, JanusError>) -> Void
    ) {
        faults.before(points.attach)
        possession.attachVideoRoom(for: id) { [self] result in
            faults.after(points.attach)
            if case .success(let id) = result {
                possession.recordHandle(id, of: self.id)
                let attached = JanusHandle<Message>(
                    id, session: possession.janusSession, gateway: possession.gateway, receive: receive)
                handle = attached
                attached.receiveEvents()
            }
            completion(result)
        }
    }

    /// As ``JanusHandle/message(_:description:body:completion:)``; without a handle it has failed.
    func message(
        _ purpose: Message, at point: FaultPoint? = nil,
        description: (type: StaticString, SessionDescription)? = nil, body: @escaping (inout JSONWriter) -> Void,
        completion: @escaping JanusGateway.Completion
    ) {
        guard let handle else { return completion(.failure(.core(code: 459, reason: "there is no handle"))) }
        faults.before(point)
        handle.message(purpose, description: description, body: body) { [faults] result in
            faults.after(point)
            completion(result)
        }
    }

    func trickle(_ candidates: [Candidate], completion: @escaping JanusGateway.Completion) {
        guard let handle else { return completion(.failure(.core(code: 459, reason: "there is no handle"))) }
        handle.trickle(candidates, completion: completion)
    }

    /// Best effort: that it was gone already is as well.
    ///
    /// - Parameter id: of a predecessor's handle, which may not have been adopted.
    func detach(_ id: JanusHandleID, completion: @escaping () -> Void) {
        let handle =
            self.handle
            ?? JanusHandle(id, session: possession.janusSession, gateway: possession.gateway) { _, _ in }
        faults.before(points.detach)
        handle.detach { [logger, faults, points] result in
            faults.after(points.detach)
            if case .failure(let error) = result, !error.saysAlreadyGone {
                logger.warning("detach failed", metadata: .keyed([.error: error.reason, .handle: "\(handle.id)"]))
            }
            completion()
        }
    }

    /// Janus has removed the handle on its own.
    func forget() { handle?.forget() }

    /// The plugin's data of an event; nil, with a line in the log, when it is not the VideoRoom's.
    func videoRoomEvent(_ event: JanusEvent) -> VideoRoomEvent? {
        guard event.plugin == JanusServerInfo.videoRoomPlugin, let data = event.data else {
            logger.warning("event of another plugin", metadata: .keyed([.value: event.plugin ?? "none"]))
            return nil
        }
        return VideoRoomEvent(data)
    }

    /// The plugin's data of an event; nil, with a line in the log, when it is not the SIP plugin's.
    func sipEvent(_ event: JanusEvent) -> SIPEvent? {
        guard event.plugin == JanusServerInfo.sipPlugin, let data = event.data else {
            logger.warning("event of another plugin", metadata: .keyed([.value: event.plugin ?? "none"]))
            return nil
        }
        return SIPEvent(data)
    }

    /// What concerns no session's state.
    func note(_ event: JanusEvent.Kind) {
        switch event {
        case .slowLink(let uplink):
            guard let direction = slowLinks.reported(uplink: uplink, at: possession.loop.now) else { break }
            logger.info("slow link", metadata: .keyed([.value: direction.rawValue]))
        case .other(let kind): logger.warning("unknown event", metadata: .keyed([.event: kind]))
        case .plugin, .webrtcUp, .hangup, .detached, .media: break
        }
    }
}
