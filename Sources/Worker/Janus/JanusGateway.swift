import Bus
import Identity
import JSONText
import Logging
import NIOCore
import Telemetry

/// One WebSocket to Janus with the requests under way on it: replies go to whoever asked, events to the handle they are
/// from. It lives as long as its socket; a reconnection makes a new one. Confined to its loop.
final class JanusGateway {
    /// A Janus request fails after this, unless it is configured otherwise (protocol page, D14).
    static let standardRequestTime = TimeAmount.seconds(10)

    typealias Completion = (Result<JanusReply, JanusError>) -> Void

    let loop: any EventLoop
    private let socket: any JanusSocket
    private let secretName: StaticString
    private let secret: String?
    private let transactionPrefix: String
    private let requestTime: TimeAmount
    private let metrics: JanusMetrics
    private let trace: JanusTrace?
    private let logger: Logger
    /// Requests that were given up and whose success would leave something behind, and handles. The oldest are forgotten
    /// first.
    private static let maximumLate = 1024
    /// Events of one handle that wait for a receiver.
    private static let maximumKept = 1024

    private struct Request {
        let late: ((JanusReply) -> Void)?
        let completion: Completion
        let transaction: String
        let kind: JanusRequestKind
        let began: NIODeadline
    }

    private struct Question {
        let handle: JanusHandleID
        let completion: (Answer) -> Void
    }

    /// How a question ended.
    enum Answer {
        /// Whatever was asked before is done, or may be taken for done.
        case given
        /// The connection is gone, or the handle is somebody else's from now on.
        case void
    }

    private var pending = PendingTransactions<Request>()
    /// Those whose event is still to come.
    private var questions = PendingTransactions<Question>()
    private var late: [String: (JanusReply) -> Void] = [:]
    private var lateOrder: CircularBuffer<String> = []
    private var transactions = 0
    private var batching = Batching(longest: .milliseconds(1))
    private var handlers: [JanusHandleID: (JanusEvent) -> Void] = [:]
    /// Handles that were given up lately: Janus may still have something to say of them. The oldest are forgotten first.
    private var past: Set<JanusHandleID> = []
    private var pastOrder: CircularBuffer<JanusHandleID> = []
    /// Events of handles that nobody has asked for yet, in order; nil: they are dropped.
    private var kept: [JanusHandleID: [JanusEvent]]?
    private(set) var isOpen = true

    /// The connection is gone, and everything under way is about to fail.
    var willFail: () -> Void = {}
    /// Janus dropped the session on its own.
    var sessionTimedOut: (JanusSessionID) -> Void = { _ in }

    /// - Parameters:
    ///   - secretName: `apisecret` for the API, `admin_secret` for the admin API.
    ///   - transactionPrefix: makes transactions differ from those of this session's earlier owners, whose late events
    ///     may still arrive.
    ///   - requestTime: a request fails after this.
    init(
        loop: any EventLoop, socket: any JanusSocket, secretName: StaticString, secret: String?,
        transactionPrefix: String, requestTime: TimeAmount = standardRequestTime,
        metrics: JanusMetrics = JanusMetrics(), trace: JanusTrace? = nil, logger: Logger
    ) {
        self.loop = loop
        self.socket = socket
        self.secretName = secretName
        self.secret = secret
        self.transactionPrefix = transactionPrefix
        self.requestTime = requestTime
        self.metrics = metrics
        self.trace = trace
        self.logger = logger
    }

    /// A connection that is gone: every request fails.
    static func closed(on loop: any EventLoop, logger: Logger) -> JanusGateway {
        let gateway = JanusGateway(
            loop: loop, socket: ClosedJanusSocket(), secretName: "apisecret", secret: nil, transactionPrefix: "closed",
            logger: logger)
        gateway.close()
        return gateway
    }

    /// Sends one request. `completion` is called exactly once, later on this loop, at the deadline at the latest.
    ///
    /// - Returns: its transaction, which events caused by it may bear.
    @discardableResult
    func request(
        _ type: StaticString, session: JanusSessionID? = nil, handle: JanusHandleID? = nil,
        members: (inout JSONWriter) -> Void = { _ in }, late: ((JanusReply) -> Void)? = nil,
        completion: @escaping Completion
    ) -> String {
        transactions += 1
        let transaction = "\(transactionPrefix)-\(transactions)"
        guard isOpen else {
            let completion = NIOLoopBound(completion, eventLoop: loop)
            loop.execute { completion.value(.failure(.linkLost)) }
            return transaction
        }
        var json = JSONWriter()
        json.object { json in
            json.name("janus")
            json.value(type.description)
            json.member("transaction", transaction)
            if let secret { json.member(secretName, secret) }
            if let session { json.member("session_id", session.rawValue) }
            if let handle { json.member("handle_id", handle.rawValue) }
            members(&json)
        }
        let now = loop.now
        batching.requestBegan(at: now)
        let request = Request(
            late: late, completion: completion, transaction: transaction, kind: JanusRequestKind(type), began: now)
        pending.insert(transaction, request, deadline: now + requestTime)
        trace?.sent(json.bytes)
        socket.send(json.bytes)
        return transaction
    }

    /// Asks a plugin something that it answers by an event when all is done that was asked of it before. The answer reaches
    /// nobody else.
    ///
    /// - Parameter completion: called once, later on this loop: when it is answered or refused, when the handle is gone, or after
    ///   the time of a request.
    func ask(
        _ body: (inout JSONWriter) -> Void, session: JanusSessionID, handle: JanusHandleID,
        completion: @escaping (Answer) -> Void
    ) {
        var transaction = ""
        transaction = request("message", session: session, handle: handle) { json in
            json.object("body") { body(&$0) }
        } completion: { [self] result in
            switch result {
            case .success(.accepted): break
            // No event follows a refusal or a synchronous result.
            case .failure, .success(.done): questions.resolve(transaction)?.completion(isOpen ? .given : .void)
            }
        }
        questions.insert(
            transaction, Question(handle: handle, completion: completion), deadline: loop.now + requestTime)
    }

    /// Requests that have no reply yet, and questions that have no answer.
    var underWay: Int { pending.count + questions.count }

    /// Events of `handle` go to `receive` from now on, those that were kept first; nil stops them.
    func route(_ handle: JanusHandleID, to receive: ((JanusEvent) -> Void)?) {
        handlers[handle] = receive
        if receive == nil { remember(past: handle) }
        for event in kept?.removeValue(forKey: handle) ?? [] { receive?(event) }
    }

    /// From now on events of all handles wait for a receiver: a predecessor's handles are being looked at. That may have been
    /// this process itself, on this connection: its receivers have given up.
    func keepEvents() {
        handlers = [:]
        kept = [:]
        for question in questions.removeAll() { question.completion(.void) }
    }

    /// Every handle has its receiver.
    func dropKeptEvents() { kept = nil }

    func received(_ text: [UInt8]) {
        trace?.received(text)
        let message: JanusMessage
        do throws(JanusError) {
            message = try JanusMessage.decode(text)
        } catch {
            logger.warning("unusable message from Janus", metadata: .keyed([.error: error.reason]))
            return
        }
        switch message {
        case .reply(let transaction, let result):
            guard let request = pending.resolve(transaction) else {
                logger.debug("late or unknown reply", metadata: .keyed([.transaction: transaction]))
                if let undo = late.removeValue(forKey: transaction), case .success(let reply) = result { undo(reply) }
                return
            }
            batching.requestAnswered()
            finish(request, result)
        case .event(let event):
            logger.debug("event", metadata: .keyed([.handle: "\(event.sender)", .event: "\(event.kind)"]))
            if let question = event.transaction.flatMap({ questions.resolve($0) }) {
                return question.completion(.given)
            }
            if event.kind == .detached { handleIsGone(event.sender) }
            guard let receive = handlers[event.sender] else {
                if kept != nil { return keep(event) }
                // What still comes of a handle that was given up is no surprise.
                guard !past.contains(event.sender) else { return }
                metrics.unknownHandle()
                logger.warning(
                    "event of an unknown handle",
                    metadata: .keyed([.handle: "\(event.sender)", .event: "\(event.kind)"]))
                return
            }
            receive(event)
        case .sessionTimedOut(let session): sessionTimedOut(session)
        case .unattributed(let error):
            logger.error("Janus could not read a request", metadata: .keyed([.error: error.reason]))
        }
    }

    /// All that had arrived was received.
    ///
    /// - Returns: for how long to leave what comes next.
    func readCompleted() -> TimeAmount? {
        batching.taken(underWay: pending.count, at: loop.now)
    }

    private func handleIsGone(_ handle: JanusHandleID) {
        for question in questions.removeAll(where: { $0.handle == handle }) { question.completion(.given) }
    }

    /// Bounded: a handle that has more to say than this will be told by its observation.
    private func keep(_ event: JanusEvent) {
        guard let count = kept?[event.sender]?.count, count >= Self.maximumKept else {
            kept?[event.sender, default: []].append(event)
            return
        }
        logger.warning("too many events of a handle", metadata: .keyed([.handle: "\(event.sender)"]))
    }

    /// To be called now and then: fails what has waited too long.
    func timerFired(at now: NIODeadline) {
        for request in pending.expired(at: now) {
            if let undo = request.late { remember(undo, of: request.transaction) }
            finish(request, .failure(.timedOut))
        }
        for question in questions.expired(at: now) { question.completion(.given) }
    }

    private func finish(_ request: Request, _ result: Result<JanusReply, JanusError>) {
        metrics.answered(request.kind, result, after: loop.now - request.began)
        request.completion(result)
    }

    private func remember(past handle: JanusHandleID) {
        guard past.insert(handle).inserted else { return }
        pastOrder.append(handle)
        if pastOrder.count > Self.maximumLate { past.remove(pastOrder.removeFirst()) }
    }

    private func remember(_ undo: @escaping (JanusReply) -> Void, of transaction: String) {
        late[transaction] = undo
        lateOrder.append(transaction)
        if lateOrder.count > Self.maximumLate { late[lateOrder.removeFirst()] = nil }
    }

    /// The socket is gone: everything under way fails.
    func lost() {
        guard isOpen else { return }
        isOpen = false
        willFail()
        handlers = [:]
        kept = nil
        late = [:]
        for question in questions.removeAll() { question.completion(.void) }
        for request in pending.removeAll() { finish(request, .failure(.linkLost)) }
    }

    func close() {
        socket.close()
        lost()
    }
}

private final class ClosedJanusSocket: JanusSocket {
    func send(_ text: [UInt8]) {}
    func close() {}
}
