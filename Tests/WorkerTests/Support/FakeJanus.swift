import JSONText
import NIOCore

@testable import Worker

/// Janus as far as a worker can tell: sessions, handles and the VideoRoom plugin, in memory. It reads what our code
/// sends and answers as the real one does, on later turns of the loop; a test may interfere with every request.
final class FakeJanus: JanusConnector {
    struct Request {
        let type: String
        let transaction: String
        let session: UInt64
        let handle: UInt64
        /// Of a plugin message.
        let body: JSONValue?
        let root: JSONValue
        let text: String
        let isAdmin: Bool

        /// `message join`, or just the type.
        var name: String { body?["request"]?.string.map { "message \($0)" } ?? type }
    }

    /// What happens to a request.
    enum Verdict {
        case proceed
        /// It vanishes.
        case drop
        /// It waits for ``releaseHeld()``.
        case hold
        /// The core refuses it.
        case refuse(Int, String)
        /// The plugin refuses it: at once, or after the `ack` by an event.
        case refuseByPlugin(Int, String)
        /// Janus says just this.
        case say(String)
    }

    struct Handle {
        let session: UInt64
        let opaque: String
        var isPhone = false
        var role = Role.none
        /// Our end of its negotiation.
        var local: (type: String, sdp: String)?
        var isUp = false
        var wasHungUp = false
        /// Of a subscriber: its answer was taken by the core, and by the plugin.
        var hasAnswer = false
        var isAnswered = false
        /// Of a subscriber: the publisher still sends.
        var isActive = true
        var bitrate = 0
        /// The transaction of a message not yet acknowledged.
        var inFlight: (transaction: String, since: NIODeadline)?
    }

    enum Role: Equatable {
        case none
        case publisher(room: UInt64, id: UInt64)
        case subscriber(room: UInt64, feed: UInt64)
    }

    struct Room {
        let description: String
        let maximum: Int
        var bitrate = 0
        var participants: [UInt64: Participant] = [:]
    }

    struct Participant {
        let handle: UInt64
        let display: String?
        var isUp = false
    }

    let loop: TestLoop
    var interfere: (Request) -> Verdict = { _ in .proceed }
    /// Whether connections are accepted; one for the API, one for the admin API.
    var isReachable = true
    /// Where it cannot be reached nobody listens: its process is dead.
    var isDead = false
    var isAdminReachable = true
    /// The next connection to the API (false), or to the admin API (true), is half open.
    var nextHalfOpen: Bool?
    /// Events come before the `ack` of their cause.
    var eventsOvertake = false
    var plugins = ["janus.plugin.videoroom", "janus.plugin.sip"]
    var secret: String?
    var adminSecret: String?
    var reclaimTimeout = 30
    /// Called when a request has had its effect.
    var served: (Request) -> Void = { _ in }
    /// Plugin messages that are acknowledged and then wait in Janus's queue, with all that come later on their handle, for
    /// ``releaseQueued()``: their sender may be dead by then.
    var queues: (Request) -> Bool = { _ in false }
    /// A second answer is refused by the core (469), or taken again.
    var refusesSecondAnswer = true

    private(set) var log: [Request] = []
    /// What a client of Janus must not do.
    private(set) var violations: [String] = []
    private(set) var sessions: [UInt64: FakeJanusSocket?] = [:]
    var handles: [UInt64: Handle] = [:]
    var rooms: [UInt64: Room] = [:]
    /// Of the SIP plugin.
    var phones: [UInt64: Phone] = [:]
    /// Every INVITE that has left, in order.
    var dialled: [(callID: String, uri: String, handle: UInt64)] = []
    /// Handles whose telephone rings or talks without anybody here knowing.
    var stuck: Set<UInt64> = []
    private var sockets: [FakeJanusSocket] = []
    private var held: [(Request, FakeJanusSocket)] = []
    private var queued: [(handle: UInt64, consequence: () -> Void)] = []
    private var lastHandle: UInt64 = 1 << 60

    init(loop: TestLoop) { self.loop = loop }

    // MARK: What tests do to it

    /// The names of the requests since the last call, keepalives left out.
    func requests() -> [String] {
        defer { log = [] }
        return log.map(\.name).filter { $0 != "keepalive" }
    }

    func count(_ name: String) -> Int { log.filter { $0.name == name }.count }

    func releaseHeld() {
        let waiting = held
        held = []
        for (request, socket) in waiting { serve(request, from: socket) }
    }

    /// Janus gets round to what it has queued.
    func releaseQueued() {
        let waiting = queued
        queued = []
        for (handle, consequence) in waiting where handles[handle] != nil { consequence() }
    }

    /// The process at the other end of these connections is gone: nobody hears them break.
    func vanish(_ gone: [FakeJanusSocket]) {
        for socket in gone {
            socket.isOpen = false
            socket.isAbandoned = true
        }
        held.removeAll { held in gone.contains { $0 === held.1 } }
        for handle in handles.keys { handles[handle]?.inFlight = nil }
    }

    /// Every connection breaks; sessions stay to be claimed.
    func breakLinks() {
        let broken = sockets
        sockets = []
        for id in sessions.keys { sessions[id] = .some(nil) }
        for handle in handles.keys { handles[handle]?.inFlight = nil }
        for socket in broken where socket.isOpen {
            socket.isOpen = false
            socket.events.closed("the link broke")
        }
    }

    /// Every connection breaks at once; its other end hears of it on a later turn, and nothing else before.
    func cutLinks() {
        let broken = sockets
        sockets = []
        for id in sessions.keys { sessions[id] = .some(nil) }
        for handle in handles.keys { handles[handle]?.inFlight = nil }
        for socket in broken where socket.isOpen {
            socket.isOpen = false
            later { if !socket.isAbandoned { socket.events.closed("the link broke") } }
        }
    }

    /// The admin API's connection breaks.
    func breakAdminLink() {
        for socket in sockets where socket.isAdmin && socket.isOpen {
            socket.isOpen = false
            socket.events.closed("the link broke")
        }
    }

    /// Everything is forgotten.
    func restart() {
        sessions = [:]
        handles = [:]
        rooms = [:]
        phones = [:]
        stuck = []
        breakLinks()
    }

    /// The session is timed out and gone; its owner is told.
    func timeOut(_ session: UInt64) {
        say(#"{"janus":"timeout","session_id":\#(session)}"#, to: session)
        remove(session: session)
    }

    func addSession(_ id: UInt64) { sessions[id] = .some(nil) }

    @discardableResult
    func addHandle(_ session: UInt64, opaque: String) -> UInt64 {
        lastHandle += 1
        handles[lastHandle] = Handle(session: session, opaque: opaque)
        return lastHandle
    }

    /// Something happens on a handle.
    func event(_ type: String, _ handle: UInt64, _ rest: String = "") {
        guard let session = handles[handle]?.session else { return }
        say(#"{"janus":"\#(type)","session_id":\#(session),"sender":\#(handle)\#(rest)}"#, to: session)
    }

    func pluginEvent(_ handle: UInt64, _ data: String, transaction: String? = nil, jsep: String? = nil) {
        let transaction = transaction.map { #","transaction":"\#($0)""# } ?? ""
        if let jsep { handles[handle]?.local = (jsep, "\(jsep) of \(handle)") }
        let jsep = jsep.map { #","jsep":{"type":"\#($0)","sdp":"\#($0) of \#(handle)"}"# } ?? ""
        event(
            "event", handle,
            #"\#(transaction),"plugindata":{"plugin":"janus.plugin.videoroom","data":{\#(data)}}\#(jsep)"#)
    }

    /// Janus removes a handle on its own.
    func removeHandle(_ handle: UInt64) {
        event("detached", handle)
        leaveRoom(handle, announcing: true)
        phoneGone(handle)
        handles[handle] = nil
    }

    // MARK: Connecting

    func connect(
        to address: JanusAddress, subprotocol: String, on loop: any EventLoop, events: JanusSocketEvents
    ) { open(subprotocol, events) }

    @discardableResult
    func open(_ subprotocol: String, _ events: JanusSocketEvents) -> FakeJanusSocket {
        let isAdmin = subprotocol == "janus-admin-protocol"
        let socket = FakeJanusSocket(janus: self, events: events, isAdmin: isAdmin)
        if nextHalfOpen == isAdmin {
            nextHalfOpen = nil
            socket.isHalfOpen = true
        }
        let isAccepted = isAdmin ? isAdminReachable : isReachable
        later { [self] in
            guard !socket.isAbandoned else { return }
            guard isAccepted else { return events.closed(JanusLoss("connection refused", isRefusal: isDead)) }
            socket.isOpen = true
            sockets.append(socket)
            events.opened(socket)
        }
        return socket
    }

    // MARK: Requests

    func received(_ text: [UInt8], from socket: FakeJanusSocket) {
        guard let root = try? JSONDocument(text).root, let type = root["janus"]?.string,
            let transaction = root["transaction"]?.string
        else { return violations.append("unreadable: \(String(decoding: text, as: UTF8.self))") }
        let request = Request(
            type: type, transaction: transaction, session: root["session_id"]?.integer() ?? 0,
            handle: root["handle_id"]?.integer() ?? 0, body: root["body"], root: root,
            text: String(decoding: text, as: UTF8.self), isAdmin: socket.isAdmin)
        log.append(request)
        if type == "message" { noteMessage(request) }
        let verdict = interfere(request)
        switch verdict {
        case .proceed:
            serve(request, from: socket)
            served(request)
        case .drop: break
        case .hold: held.append((request, socket))
        case .refuse(let code, let reason): refuse(request, code, reason, socket)
        case .refuseByPlugin(let code, let reason):
            let data = #""videoroom":"event","error_code":\#(code),"error":"\#(reason)""#
            switch request.body?["request"]?.string {
            case "create", "destroy", "list": succeed(request, data, socket)
            default:
                accept(request, socket) { [self] in pluginEvent(request.handle, data, transaction: request.transaction)
                }
            }
        case .say(let text):
            handles[request.handle]?.inFlight = nil
            socket.deliver(text)
        }
    }

    /// One message may be in flight per handle; one without an answer is given up after ten seconds.
    private func noteMessage(_ request: Request) {
        if let other = handles[request.handle]?.inFlight, loop.now - other.since < JanusGateway.standardRequestTime {
            violations.append("\(request.name) while \(other.transaction) is not acknowledged")
        }
        handles[request.handle]?.inFlight = (request.transaction, loop.now)
    }

    private func serve(_ request: Request, from socket: FakeJanusSocket) {
        let isRight =
            request.root[request.isAdmin ? "admin_secret" : "apisecret"]?.string
            == (request.isAdmin ? adminSecret : secret)
        guard isRight || request.type == "info" else { return refuse(request, 403, "Unauthorized request", socket) }
        switch request.type {
        case "info":
            let plugins = plugins.map { #""\#($0)":{}"# }.joined(separator: ",")
            reply(
                "server_info",
                request,
                #","version_string":"1.1.2","session-timeout":60,"reclaim-session-timeout":\#(reclaimTimeout),"accepting-new-sessions":true,"plugins":{\#(plugins)}"#,
                socket)
        case "get_status": reply("success", request, #","status":{}"#, socket)
        case "create":
            guard let id = request.root["id"]?.integer(UInt64.self) else {
                return refuse(request, 456, "Missing id", socket)
            }
            guard sessions[id] == nil else { return refuse(request, 468, "Session ID already in use", socket) }
            sessions[id] = socket
            reply("success", request, #","data":{"id":\#(id)}"#, socket)
        default:
            guard sessions[request.session] != nil else {
                return refuse(request, 458, "No such session \(request.session)", socket)
            }
            serveSession(request, from: socket)
        }
    }

    private func serveSession(_ request: Request, from socket: FakeJanusSocket) {
        switch request.type {
        case "claim":
            sessions[request.session] = socket
            reply("success", request, "", socket)
        case "keepalive": reply("ack", request, "", socket)
        case "destroy":
            if queued.contains(where: {
                handles[$0.handle].map { $0.isPhone && $0.session == request.session } ?? false
            }) {
                violations.append("destroy over a message in the SIP plugin's queue")
            }
            remove(session: request.session)
            reply("success", request, "", socket)
        case "attach":
            let id = addHandle(request.session, opaque: request.root["opaque_id"]?.string ?? "")
            handles[id]?.isPhone = request.root["plugin"]?.string == JanusServerInfo.sipPlugin
            reply("success", request, #","data":{"id":\#(id)}"#, socket)
        case "list_handles":
            let ids = handles.filter { $0.value.session == request.session }.keys.sorted().map(String.init)
            reply("success", request, #","handles":[\#(ids.joined(separator: ","))]"#, socket)
        default:
            guard let handle = handles[request.handle], handle.session == request.session else {
                return refuse(request, 459, "No such handle \(request.handle)", socket)
            }
            switch request.type {
            case "handle_info":
                let info = handle.isPhone ? phoneInfo(request.handle, handle) : info(request.handle, handle)
                reply("success", request, #","info":\#(info)"#, socket)
            case "detach":
                if handle.isPhone, queued.contains(where: { $0.handle == request.handle }) {
                    violations.append("detach over a message in the SIP plugin's queue")
                }
                leaveRoom(request.handle, announcing: true)
                phoneGone(request.handle)
                handles[request.handle] = nil
                reply("success", request, "", socket)
            case "trickle": reply("ack", request, "", socket)
            case "message" where handle.isPhone: phone(request, socket)
            case "message": message(request, socket)
            default: refuse(request, 453, "Unknown request '\(request.type)'", socket)
            }
        }
    }

    private func remove(session: UInt64) {
        for id in handles.keys where handles[id]?.session == session {
            leaveRoom(id, announcing: true)
            phoneGone(id)
            handles[id] = nil
        }
        sessions[session] = nil
    }

    // MARK: Saying

    func refuse(_ request: Request, _ code: Int, _ reason: String, _ socket: FakeJanusSocket) {
        reply("error", request, #","error":{"code":\#(code),"reason":"\#(reason)"}"#, socket)
    }

    /// The synchronous outcome of a plugin message.
    func succeed(_ request: Request, _ data: String, _ socket: FakeJanusSocket) {
        reply(
            "success", request,
            #","sender":\#(request.handle),"plugindata":{"plugin":"janus.plugin.videoroom","data":{\#(data)}}"#, socket)
    }

    /// `ack`, with what follows from it behind or before it.
    func accept(_ request: Request, _ socket: FakeJanusSocket, _ consequence: @escaping () -> Void) {
        if queues(request) || (!queued.isEmpty && handles[request.handle]?.isPhone == true) {
            queued.append((request.handle, consequence))
            return reply("ack", request, "", socket)
        }
        if eventsOvertake { consequence() }
        reply("ack", request, "", socket)
        if !eventsOvertake { consequence() }
    }

    private func reply(_ type: String, _ request: Request, _ rest: String, _ socket: FakeJanusSocket) {
        let text =
            #"{"janus":"\#(type)","session_id":\#(request.session),"transaction":"\#(request.transaction)"\#(rest)}"#
        later { [self] in
            if handles[request.handle]?.inFlight?.transaction == request.transaction {
                handles[request.handle]?.inFlight = nil
            }
            socket.deliverNow(text)
        }
    }

    /// To whoever owns the session; with nobody there it is lost.
    func say(_ text: String, to session: UInt64) {
        guard let owner = sessions[session], let owner else { return }
        owner.deliver(text)
    }

    func later(_ action: @escaping () -> Void) {
        let bound = NIOLoopBound(action, eventLoop: loop)
        loop.execute { bound.value() }
    }
}

/// One connection to the fake.
final class FakeJanusSocket: JanusSocket {
    let events: JanusSocketEvents
    let isAdmin: Bool
    var isOpen = false
    /// Its process is dead.
    var isAbandoned = false
    /// What is sent on it arrives nowhere, and it stands all the same.
    var isHalfOpen = false
    private let janus: FakeJanus

    init(janus: FakeJanus, events: JanusSocketEvents, isAdmin: Bool) {
        self.janus = janus
        self.events = events
        self.isAdmin = isAdmin
    }

    func send(_ text: [UInt8]) { if isOpen, !isHalfOpen { janus.received(text, from: self) } }

    func close() { isOpen = false }

    func deliver(_ text: String) { janus.later { self.deliverNow(text) } }

    func deliverNow(_ text: String) { if isOpen { events.received(Array(text.utf8)) } }
}
