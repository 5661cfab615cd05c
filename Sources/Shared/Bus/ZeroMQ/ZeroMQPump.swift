import NIOCore

/// Moves what a ZeroMQ socket has received onto its loop. Confined to that loop.
///
/// The socket's descriptor is edge-triggered, and *every* operation may consume the edge that announced input: a message
/// may have become ready while another was sent. So every batch of receives goes on until nothing waits, and once per tick
/// of sends the socket is asked again. (zmq_getsockopt(3), `ZMQ_FD`.)
final class ZeroMQPump {
    let socket: ZeroMQSocket
    private let loop: any EventLoop
    private let poller: BusPoller
    private var watch: BusPoller.Watch?

    /// Takes one message and hands it on, and says how long it was; nil when none waits. Let go of on closing, which ends
    /// the socket's life.
    private var takeOne: (() -> Int?)?
    private var isCheckDue = false
    private var isPausing = false

    init(_ socket: ZeroMQSocket, on loop: any EventLoop, poller: BusPoller) {
        self.socket = socket
        self.loop = loop
        self.poller = poller
    }

    /// From now on messages are taken.
    func start(_ takeOne: @escaping () -> Int?) throws(BusError) {
        self.takeOne = takeOne
        do throws(BusError) {
            let registration = PollRegistration(pump: NIOLoopBound(self, eventLoop: loop), loop: loop)
            watch = try poller.add(try socket.descriptor(), registration)
        } catch {
            self.takeOne = nil
            throw error
        }
    }

    /// The descriptor was ready.
    func readable() {
        guard !isPausing else { return }
        drain()
    }

    /// Something was sent, or tried to be.
    func sent() {
        guard !isCheckDue else { return }
        isCheckDue = true
        loop.assumeIsolated().execute { [self] in
            guard isCheckDue else { return }
            isCheckDue = false
            if !isPausing { drain() }
        }
    }

    /// Looks at the socket now, which also lets it take up what its I/O thread reported; input is taken soon.
    func flush() {
        guard isCheckDue else { return }
        isCheckDue = false
        guard !isPausing, socket.isReadable else { return }
        loop.assumeIsolated().execute { [self] in readable() }
    }

    func close() {
        guard let watch else { return }
        self.watch = nil
        takeOne = nil
        poller.remove(watch)
        socket.close()
        poller.socketClosed()
    }

    private func drain() {
        var (left, leftBytes) = (BusLimits.batch, BusLimits.batchBytes)
        while let length = takeOne?() {
            left -= 1
            leftBytes -= length
            guard left > 0, leftBytes > 0 else { return pause() }
        }
        // A socket says that nothing waits only after it has taken up all that its I/O thread reported: what comes later is
        // a new edge. What was sent meanwhile came before that last look.
        isCheckDue = false
    }

    private func pause() {
        isPausing = true
        loop.assumeIsolated().scheduleTask(in: BusLimits.batchPause) { [self] in
            isPausing = false
            drain()
        }
    }
}
