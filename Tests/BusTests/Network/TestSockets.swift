import Bus
import Identity
import NIOCore
import Testing

/// A probe or a message, as text.
enum Arrival: Hashable, Sendable {
    case probe(RoutingID)
    case message(RoutingID, String)
}

/// A ROUTER on some loop, used from the test's task.
struct TestRouter: Sendable {
    let loop: any EventLoop
    let socket: NIOLoopBound<any RouterSocket>
    let inbox = Inbox<Arrival>()

    init(_ network: any BusNetwork, _ endpoint: String, on loop: any EventLoop) async throws {
        self.loop = loop
        socket = try await loop.submit { [inbox] in
            NIOLoopBound(
                try network.bind(endpoint, on: loop) { id, message in
                    inbox.put(message.readableBytes == 0 ? .probe(id) : .message(id, String(buffer: message)))
                }, eventLoop: loop)
        }.get()
    }

    func send(_ text: String, to id: RoutingID) async throws -> SendOutcome {
        try await loop.submit { socket.value.send(ByteBuffer(string: text), to: id) }.get()
    }

    func close() async throws { try await loop.submit { socket.value.close() }.get() }
}

/// A DEALER on some loop, used from the test's task.
struct TestDealer: Sendable {
    let loop: any EventLoop
    let socket: NIOLoopBound<any DealerSocket>
    let inbox = Inbox<String>()

    init(_ network: any BusNetwork, _ endpoint: String, as id: RoutingID, on loop: any EventLoop) async throws {
        self.loop = loop
        socket = try await loop.submit { [inbox] in
            NIOLoopBound(
                try network.connect(endpoint, as: id, on: loop) { message in inbox.put(String(buffer: message)) },
                eventLoop: loop)
        }.get()
    }

    func send(_ text: String) async throws -> SendOutcome {
        try await loop.submit { socket.value.send(ByteBuffer(string: text)) }.get()
    }

    /// Tries again and again, on later ticks, until a message of this text has this outcome.
    func send(_ text: String, until wanted: SendOutcome, within limit: TimeAmount = .seconds(600)) async throws {
        let deadline = NIODeadline.now() + limit
        while try await send(text) != wanted {
            guard NIODeadline.now() < deadline else { throw Inbox<String>.Overdue() }
        }
    }

    func close() async throws { try await loop.submit { socket.value.close() }.get() }
}

func link(_ number: UInt32, loop: UInt16 = 0) throws -> RoutingID {
    RoutingID(
        owner: FrontdoorLoopID(
            frontdoor: try #require(FrontdoorID(1)), incarnation: Incarnation(rawValue: 100), loop: loop),
        link: number)
}
