import NIOCore

/// One user of a server: a WebSocket with its unanswered requests. Confined to the loop.
class User {
    enum Failure: Error {
        case refused(String)
        case closed
    }

    typealias Outcome = (Result<Message, Failure>) -> Void

    let index: Int
    let options: LoadOptions
    let loop: any EventLoop
    private(set) var socket: LoadSocket?
    private var waiting: [Int: Outcome] = [:]
    private var lastTransaction = 0
    /// What is no answer.
    var event: (Message) -> Void = { _ in }
    var lost: () -> Void = {}
    private(set) var eventBytes = 0
    private(set) var lastEvent = NIODeadline.uptimeNanoseconds(0)

    required init(_ index: Int, _ options: LoadOptions, on loop: any EventLoop) {
        self.index = index
        self.options = options
        self.loop = loop
    }

    /// Connects until the server says that it is ready.
    func open(_ address: Address, then: @escaping (Bool) -> Void) {
        LoadSocket.open(address, on: loop) { [self] socket in
            guard let socket else { return then(false) }
            self.socket = socket
            socket.received = { [self] in received($0) }
            socket.closed = { [self] in
                self.socket = nil
                let orphans = waiting.values
                waiting = [:]
                for outcome in orphans { outcome(.failure(.closed)) }
                lost()
            }
            greeted { then($0) }
        }
    }

    func close() { socket?.close() }

    /// - Parameter members: of the request's object, beside its transaction.
    func request(_ members: String, _ outcome: @escaping Outcome) {
        guard let socket else { return outcome(.failure(.closed)) }
        lastTransaction += 1
        waiting[lastTransaction] = outcome
        socket.send("{\"transaction\":\"\(lastTransaction)\",\(members)}")
    }

    /// The answer to `transaction` is still to come: what came was only the beginning of it.
    func keepWaiting(_ transaction: Int, _ outcome: @escaping Outcome) { waiting[transaction] = outcome }

    private func received(_ message: Message) {
        if let transaction = message.transaction, let outcome = waiting.removeValue(forKey: transaction) {
            outcome(message.refusal.map { .failure(.refused($0)) } ?? .success(message))
        } else {
            eventBytes += message.text.readableBytes
            lastEvent = message.at
            event(message)
        }
    }

    // What differs between servers.

    func greeted(then: @escaping (Bool) -> Void) { then(true) }
    func addAccount(_ then: @escaping (Bool) -> Void) { then(true) }
    /// Adds an account and, the next time, removes it.
    func cycleAccount(_ outcome: @escaping Outcome) { preconditionFailure("not of this server") }
    /// Until the answer to the offer is there.
    func join(_ room: Int, _ outcome: @escaping Outcome) { preconditionFailure("not of this server") }
    func trickle(_ outcome: @escaping Outcome) { preconditionFailure("not of this server") }
    func leave(_ outcome: @escaping Outcome) { preconditionFailure("not of this server") }
}
