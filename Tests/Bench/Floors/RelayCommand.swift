import ArgumentParser
import CZeroMQ
import Glibc
import NIOCore
import NIOPosix
import NIOWebSocket

/// The floor of P3: WebSocket, one SwiftNIO loop, ZeroMQ, an echo in another process (``EchoWorkerCommand``), and back.
struct RelayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay", abstract: "A WebSocket server that asks an echo worker over ZeroMQ.")

    @Option(help: "To listen at, on 127.0.0.1.")
    var port: Int
    @Option(help: "The echo worker's, ipc:///…")
    var endpoint: String

    func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let endpoint = endpoint
        let relay = try await loop.submit {
            let relay = try Relay(endpoint: endpoint)
            return NIOLoopBound(relay, eventLoop: loop)
        }.get()
        let descriptor = try await loop.submit { relay.value.descriptor }.get()
        Thread.detach { Relay.watch(descriptor) { loop.execute { relay.value.drain() } } }
        let channel = try await FloorServer.bind(port: port, on: group) { RelayHandler(relay.value) }
        try await channel.closeFuture.get()
    }
}

private enum Thread {
    static func detach(_ body: @escaping @Sendable () -> Void) {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, Unmanaged.passRetained(Box(body)).toOpaque())
    }
}

/// The socket to the worker, on the loop. A message is the client's number, eight bytes, and the text.
private final class Relay {
    let descriptor: Int32
    private let socket: UnsafeMutableRawPointer
    private var clients: [UInt64: RelayHandler] = [:]
    private var last: UInt64 = 0
    private var isCheckDue = false

    init(endpoint: String) throws {
        guard let socket = zmq_socket(zmq_ctx_new(), ZMQ_DEALER), zmq_connect(socket, endpoint) == 0 else {
            throw ValidationError("\(endpoint): \(String(cString: zmq_strerror(zmq_errno())))")
        }
        self.socket = socket
        var descriptor: Int32 = -1
        var size = MemoryLayout<Int32>.size
        zmq_getsockopt(socket, ZMQ_FD, &descriptor, &size)
        self.descriptor = descriptor
    }

    static func watch(_ descriptor: Int32, _ ready: () -> Void) {
        let epoll = epoll_create1(0)
        var event = epoll_event(events: EPOLLIN.rawValue | EPOLLET.rawValue, data: epoll_data_t(u64: 0))
        epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)
        while true { if epoll_wait(epoll, &event, 1, -1) > 0 { ready() } }
    }

    func add(_ client: RelayHandler) -> UInt64 {
        last += 1
        clients[last] = client
        return last
    }

    func remove(_ number: UInt64) { clients[number] = nil }

    func send(_ text: ByteBuffer, of number: UInt64, loop: any EventLoop) {
        var message = ByteBuffer(integer: number)
        message.writeImmutableBuffer(text)
        message.withUnsafeReadableBytes { _ = zmq_send(socket, $0.baseAddress, $0.count, ZMQ_DONTWAIT) }
        guard !isCheckDue else { return }
        isCheckDue = true
        loop.assumeIsolated().execute { [self] in
            isCheckDue = false
            drain()
        }
    }

    func drain() {
        var touched: [RelayHandler] = []
        var part = zmq_msg_t()
        zmq_msg_init(&part)
        while zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) >= 0 {
            var message = ByteBuffer(
                bytes: UnsafeRawBufferPointer(start: zmq_msg_data(&part), count: zmq_msg_size(&part)))
            guard let number: UInt64 = message.readInteger(), let client = clients[number] else { continue }
            if client.write(message) { touched.append(client) }
        }
        zmq_msg_close(&part)
        for client in touched { client.flush() }
    }
}

private final class RelayHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let relay: Relay
    private var number: UInt64 = 0
    private var context: ChannelHandlerContext?
    private var needsFlush = false

    init(_ relay: Relay) { self.relay = relay }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        number = relay.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        relay.remove(number)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text: relay.send(frame.unmaskedData, of: number, loop: context.eventLoop)
        case .connectionClose: context.close(promise: nil)
        default: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// - Returns: whether a flush is due that was not due before.
    func write(_ text: ByteBuffer) -> Bool {
        context?.write(wrapOutboundOut(WebSocketFrame(fin: true, opcode: .text, data: text)), promise: nil)
        defer { needsFlush = true }
        return !needsFlush
    }

    func flush() {
        needsFlush = false
        context?.flush()
    }
}
