import CZeroMQ
import NIOCore

/// The bus over ZeroMQ: one context with one I/O thread, and one thread that watches all sockets, per process.
///
/// ``shutdown()`` ends both; it comes before the loops' own shutdown, because sockets are closed on their loops.
public final class ZeroMQNetwork: BusNetwork {
    // A context may be used from every thread (zmq_ctx_new(3)); it is only ever read here.
    private nonisolated(unsafe) let context: UnsafeMutableRawPointer
    private let poller: BusPoller

    public init() throws(BusError) {
        guard let context = zmq_ctx_new() else { throw .zeroMQ(operation: "zmq_ctx_new", code: zmq_errno()) }
        do throws(BusError) {
            try Self.set(ZMQ_IO_THREADS, to: 1, of: context)
            try Self.set(ZMQ_MAX_SOCKETS, to: BusLimits.sockets, of: context)
            // The context is passed as an address, because a pointer may not be sent to another thread.
            let address = UInt(bitPattern: context)
            poller = try BusPoller { allClosed in
                guard allClosed, let context = UnsafeMutableRawPointer(bitPattern: address) else { return }
                while zmq_ctx_term(context) != 0, zmq_errno() == EINTR {}
            }
        } catch {
            zmq_ctx_term(context)
            throw error
        }
        self.context = context
    }

    public func bind(
        _ endpoint: String, on loop: any EventLoop, receive: @escaping (RoutingID, ByteBuffer) -> Void
    ) throws(BusError) -> any RouterSocket {
        loop.preconditionInEventLoop()
        let path = try IPCPath(endpoint)
        let handle = try open(ZMQ_ROUTER)
        do throws(BusError) {
            try handle.set(ZMQ_ROUTER_MANDATORY, 1, named: "ROUTER_MANDATORY")
            let listener = try IPCListener.listen(at: path)
            do throws(BusError) {
                try handle.set(ZMQ_USE_FD, listener.descriptor, named: "USE_FD")
                try handle.bind(path.endpoint)
            } catch {
                listener.abandon()
                throw error
            }
            handle.listener = listener
            let pump = ZeroMQPump(handle, on: loop, poller: poller)
            let socket = ZeroMQRouterSocket(pump, receive: receive)
            try pump.start { [socket] in socket.takeOne() }
            return socket
        } catch {
            handle.close()
            poller.socketClosed()
            throw error
        }
    }

    public func connect(
        _ endpoint: String, as id: RoutingID, on loop: any EventLoop, receive: @escaping (ByteBuffer) -> Void
    ) throws(BusError) -> any DealerSocket {
        loop.preconditionInEventLoop()
        let path = try IPCPath(endpoint)
        try path.checkDirectory()
        let handle = try open(ZMQ_DEALER)
        do throws(BusError) {
            try handle.set(ZMQ_ROUTING_ID, id.bytes, named: "ROUTING_ID")
            // Whoever answers at this endpoint, even a successor nobody announced, hears of the connection first …
            try handle.set(ZMQ_PROBE_ROUTER, 1, named: "PROBE_ROUTER")
            // … and gets nothing that was meant for its predecessor.
            try handle.set(ZMQ_IMMEDIATE, 1, named: "IMMEDIATE")
            try handle.set(ZMQ_RECONNECT_IVL, BusLimits.reconnectInterval, named: "RECONNECT_IVL")
            try handle.set(ZMQ_RECONNECT_IVL_MAX, BusLimits.maximumReconnectInterval, named: "RECONNECT_IVL_MAX")
            try handle.connect(path.endpoint)
            let pump = ZeroMQPump(handle, on: loop, poller: poller)
            let socket = ZeroMQDealerSocket(pump, receive: receive)
            try pump.start { [socket] in socket.takeOne() }
            return socket
        } catch {
            handle.close()
            poller.socketClosed()
            throw error
        }
    }

    /// Closes all sockets, each on its loop, then the context and the threads. Nothing that still waits is sent.
    ///
    /// It ends within ``BusLimits/shutdown`` (1 s) and the little ZeroMQ needs: when a loop does not close its sockets in
    /// time, the context is left to the end of the process. Calling it again waits for the first call.
    public func shutdown() async { await poller.stop() }

    private func open(_ type: Int32) throws(BusError) -> ZeroMQSocket {
        guard poller.socketOpens() else { throw .networkClosed }
        do throws(BusError) {
            let handle = try ZeroMQSocket(type, in: context)
            do throws(BusError) {
                try handle.set(ZMQ_LINGER, 0, named: "LINGER")
                try handle.set(ZMQ_SNDHWM, BusLimits.sendHighWaterMark, named: "SNDHWM")
                try handle.set(ZMQ_RCVHWM, BusLimits.receiveHighWaterMark, named: "RCVHWM")
                try handle.setMaximumMessageSize(BusLimits.maximumMessage)
            } catch {
                handle.close()
                throw error
            }
            return handle
        } catch {
            poller.socketClosed()
            throw error
        }
    }

    private static func set(
        _ option: Int32, to value: Int32, of context: UnsafeMutableRawPointer
    ) throws(BusError) {
        guard zmq_ctx_set(context, option, value) == 0 else {
            throw .zeroMQ(operation: "zmq_ctx_set \(option)", code: zmq_errno())
        }
    }
}
