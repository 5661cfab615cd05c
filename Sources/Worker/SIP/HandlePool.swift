import Identity
import Logging
import NIOCore
import SIPLookup
import Telemetry

/// Handles that wait for calls. A handle's first `register` stops everything that Janus does for SIP for 100 ms; these have
/// it behind them.
///
/// They are made one at a time and, as long as nobody waits for one, only when calls have been quiet for a moment: so nobody
/// ever waits behind more than one such pause. Whoever finds none waits for the next, first come, first served. Confined to
/// the worker's core loop.
final class HandlePool: OwnHandles {
    /// Without a call for that long, what was taken is replaced.
    static let quiet = TimeAmount.milliseconds(250)
    /// After a failure nothing is tried for that long, unless somebody waits.
    static let retryDelay = TimeAmount.seconds(1)
    static let makingTime = TimeAmount.seconds(10)
    /// What only fills the stock lets everybody else go first; a call that waits for it changes that.
    static let stockPatience = TimeAmount.minutes(10)
    /// Calls that wait for a handle; what comes beyond fails at once.
    static let maximumWaiting = 1024

    typealias Completion = (Result<JanusHandleID, JanusError>) -> Void

    private let possession: SlotPossession
    private let size: Int
    private let transports: [SIPTransport]
    private var ready: [SIPTransport: [JanusHandle<SIPMessage>]] = [:]
    private var waiting: [(transport: SIPTransport, completion: Completion)] = []
    private var making: Making? { didSet { if making == nil { endTurn() } } }
    /// Whose turn it is to hold Janus up.
    private let pace: RegisterPace?
    private var turn: RegisterPace.Turn?
    private var attaching: SIPTransport?
    private var made: UInt64 = 0
    private var timer: Scheduled<Void>?
    private var isOpen = true
    private let logger: Logger

    /// A handle that is being made ready.
    private struct Making {
        let transport: SIPTransport
        let handle: JanusHandle<SIPMessage>
        /// From the turn on.
        var deadline: Scheduled<Void>?
        /// Where it waits for its turn.
        var place: RegisterPace.Ticket?
    }

    /// - Parameters:
    ///   - size: handles that wait, per transport; 0 or more.
    ///   - transports: those that are kept in stock. Others are made when they are asked for.
    ///   - pace: nil: nobody else registers.
    init(_ possession: SlotPossession, size: Int = 4, transports: [SIPTransport] = [.udp], pace: RegisterPace? = nil) {
        self.possession = possession
        self.pace = pace
        self.size = size
        self.transports = transports
        logger = possession.logger
    }

    /// Begins to fill it.
    func open() { makeNext() }

    /// What is in Janus stays there: whoever has the slot next finds it.
    func close() {
        isOpen = false
        timer?.cancel()
        making?.deadline?.cancel()
        waiting = []
    }

    /// The handle is the pool's.
    func holds(_ handle: JanusHandleID) -> Bool {
        making?.handle.id == handle || ready.values.contains { $0.contains { $0.id == handle } }
    }

    /// Those that are the pool's.
    var handles: Set<JanusHandleID> {
        Set(ready.values.lazy.joined().map(\.id)).union([making?.handle.id].compactMap { $0 })
    }

    /// A handle of the pool may be in Janus that it does not know yet.
    var isAttaching: Bool { attaching != nil }

    /// Handles that wait, of all transports.
    var count: Int { ready.values.reduce(0) { $0 + $1.count } }

    // MARK: Taking

    func take(_ transport: SIPTransport, completion: @escaping Completion) {
        guard isOpen, waiting.count < Self.maximumWaiting else {
            return completion(.failure(.core(code: 503, reason: "too many calls")))
        }
        if let handle = ready[transport]?.popLast() {
            // The next owner receives what it says from here on.
            handle.forget()
            completion(.success(handle.id))
            return rest(Self.quiet)
        }
        waiting.append((transport, completion))
        if let place = making?.place { pace?.raise(place, to: .call) }
        makeNext()
    }

    private func rest(_ time: TimeAmount) {
        timer?.cancel()
        let bound = NIOLoopBound(self, eventLoop: possession.loop)
        timer = possession.loop.scheduleTask(in: time) { bound.value.makeNext() }
    }

    // MARK: Making

    /// Those that somebody waits for come first.
    private var wanted: SIPTransport? {
        waiting.first?.transport ?? transports.first { ready[$0, default: []].count < size }
    }

    private func makeNext() {
        guard isOpen, possession.isHeld, making == nil, attaching == nil, let transport = wanted else { return }
        attaching = transport
        made += 1
        possession.attachSIP(as: .pooled(made)) { [self] result in
            attaching = nil
            guard isOpen, possession.isHeld else { return }
            switch result {
            case .success(let id): make(id, transport)
            case .failure(let error): failed(transport, error)
            }
        }
    }

    private func make(_ id: JanusHandleID, _ transport: SIPTransport) {
        let handle = JanusHandle<SIPMessage>(
            id, session: possession.janusSession, gateway: possession.gateway, question: SIPBody.ask
        ) { [weak self] event, _ in self?.received(event, id) }
        making = Making(transport: transport, handle: handle)
        handle.receiveEvents()
        guard let pace else { return warm(handle, transport) }
        // Nobody waits behind what only fills the stock.
        let isForStock = waiting.isEmpty
        let patience = isForStock ? Self.stockPatience : Self.makingTime
        let place = pace.enter(isForStock ? .pool : .call, patience: patience) { [weak self] result in
            guard let self, making?.handle === handle, possession.isHeld else {
                return (try? result.get())?.over() ?? ()
            }
            switch result {
            case .success(let turn):
                self.turn = turn
                warm(handle, transport)
            case .failure: giveUp(id, .timedOut)
            }
        }
        if making?.handle === handle { making?.place = place }
    }

    private func warm(_ handle: JanusHandle<SIPMessage>, _ transport: SIPTransport) {
        let bound = NIOLoopBound((self, handle.id), eventLoop: possession.loop)
        making?.deadline = possession.loop.scheduleTask(in: Self.makingTime) {
            bound.value.0.giveUp(bound.value.1, .timedOut)
        }
        handle.message(.register, body: SIPBody.warm(transport)) { [weak self] result in
            if case .failure(let error) = result { self?.giveUp(handle.id, error) }
        }
    }

    private func endTurn() {
        turn?.over()
        turn = nil
    }

    private func received(_ event: JanusEvent, _ id: JanusHandleID) {
        switch event.kind {
        case .plugin:
            switch event.data.map(SIPEvent.init) {
            case .registered: isReady(id)
            case .registrationFailed(_, let reason): giveUp(id, .plugin(code: 503, reason: reason))
            case .failed(let error, _): giveUp(id, error)
            // Strangers find every SIP port; what they ring at is of no use for calls.
            case .incomingCall, .unreadableCall: giveUp(id, .plugin(code: 486, reason: "the handle is busy"))
            case .registering, .unregistered, .calling, .ringing, .proceeding, .progress, .accepted, .missedCall,
                .hangup,
                .declining, .hangingUp, .reset, .confirmation, .unknown, nil:
                break
            }
        case .detached: vanished(id)
        case .webrtcUp, .hangup, .slowLink, .media, .other: break
        }
    }

    private func isReady(_ id: JanusHandleID) {
        guard let making, making.handle.id == id else { return }
        making.deadline?.cancel()
        self.making = nil
        if let next = waiting.firstIndex(where: { $0.transport == making.transport }) {
            let completion = waiting.remove(at: next).completion
            making.handle.forget()
            completion(.success(id))
        } else {
            ready[making.transport, default: []].append(making.handle)
        }
        waiting.isEmpty ? rest(.zero) : makeNext()
    }

    private func giveUp(_ id: JanusHandleID, _ error: JanusError) {
        // It is over when Janus is done with the handle.
        let turn = making?.handle.id == id ? turn : nil
        if turn != nil { self.turn = nil }
        guard let handle = remove(id) else { return }
        handle.handle.detach { [logger] result in
            turn?.over()
            guard case .failure(let error) = result, !error.saysAlreadyGone else { return }
            logger.warning("detach failed", metadata: .keyed([.error: error.reason, .handle: "\(id)"]))
        }
        if handle.wasMaking { failed(handle.transport, error) } else { rest(Self.quiet) }
    }

    private func vanished(_ id: JanusHandleID) {
        guard let handle = remove(id) else { return }
        handle.handle.forget()
        if handle.wasMaking { failed(handle.transport, .core(code: 459, reason: "the handle is gone")) }
        rest(Self.quiet)
    }

    private func remove(
        _ id: JanusHandleID
    ) -> (handle: JanusHandle<SIPMessage>, transport: SIPTransport, wasMaking: Bool)? {
        if let making, making.handle.id == id {
            making.deadline?.cancel()
            self.making = nil
            return (making.handle, making.transport, true)
        }
        for (transport, handles) in ready {
            guard let index = handles.firstIndex(where: { $0.id == id }) else { continue }
            ready[transport]?.remove(at: index)
            return (handles[index], transport, false)
        }
        return nil
    }

    /// Those that wait for one are told; what is tried next is tried for others.
    private func failed(_ transport: SIPTransport, _ error: JanusError) {
        logger.warning("no handle for calls", metadata: .keyed([.error: error.reason, .value: transport.rawValue]))
        let told = waiting.filter { $0.transport == transport }
        waiting.removeAll { $0.transport == transport }
        rest(waiting.isEmpty ? Self.retryDelay : .zero)
        for waiter in told { waiter.completion(.failure(error)) }
    }
}
