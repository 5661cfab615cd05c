import CZeroMQ
import Glibc
import NIOCore

/// A ZeroMQ socket, with its C interface turned into values. Used on one thread only; nothing blocks.
final class ZeroMQSocket {
    /// What `bind` listens on; closing removes its file.
    var listener: IPCListener?

    private let handle: UnsafeMutableRawPointer
    private(set) var isClosed = false

    /// The part received last. One for the socket's whole life, because setting one up costs.
    private let part: UnsafeMutablePointer<zmq_msg_t>

    init(_ type: Int32, in context: UnsafeMutableRawPointer) throws(BusError) {
        guard let handle = zmq_socket(context, type) else {
            throw .zeroMQ(operation: "zmq_socket", code: zmq_errno())
        }
        self.handle = handle
        part = .allocate(capacity: 1)
        zmq_msg_init(part)
    }

    deinit {
        close()
        zmq_msg_close(part)
        part.deallocate()
    }

    // MARK: Setting up

    func set(_ option: Int32, _ value: Int32, named name: String) throws(BusError) {
        var value = value
        guard zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size) == 0 else { throw failure(name) }
    }

    /// The one option of ours that takes 64 bits. (ZMQ_MAXMSGSIZE)
    func setMaximumMessageSize(_ bytes: Int) throws(BusError) {
        var value = Int64(bytes)
        guard zmq_setsockopt(handle, ZMQ_MAXMSGSIZE, &value, MemoryLayout<Int64>.size) == 0 else {
            throw failure("MAXMSGSIZE")
        }
    }

    func set(_ option: Int32, _ value: [UInt8], named name: String) throws(BusError) {
        guard zmq_setsockopt(handle, option, value, value.count) == 0 else { throw failure(name) }
    }

    func bind(_ endpoint: String) throws(BusError) {
        guard zmq_bind(handle, endpoint) == 0 else { throw failure("zmq_bind \(endpoint)") }
    }

    func connect(_ endpoint: String) throws(BusError) {
        guard zmq_connect(handle, endpoint) == 0 else { throw failure("zmq_connect \(endpoint)") }
    }

    /// Becomes readable, edge-triggered, when ``isReadable`` may have changed. To be watched and never to be read.
    func descriptor() throws(BusError) -> Int32 {
        var descriptor: Int32 = -1
        var size = MemoryLayout<Int32>.size
        guard zmq_getsockopt(handle, ZMQ_FD, &descriptor, &size) == 0 else { throw failure("FD") }
        return descriptor
    }

    private func failure(_ operation: String) -> BusError { .zeroMQ(operation: operation, code: zmq_errno()) }

    // MARK: At work

    /// Something can be received. Asking also consumes the descriptor's edge.
    var isReadable: Bool {
        guard !isClosed else { return false }
        var events: Int32 = 0
        var size = MemoryLayout<Int32>.size
        while zmq_getsockopt(handle, ZMQ_EVENTS, &events, &size) != 0 {
            guard zmq_errno() == EINTR else { return false }
        }
        return events & Int32(ZMQ_POLLIN) != 0
    }

    /// Takes the next part of a message, to be read with ``withPart(_:)``.
    ///
    /// - Returns: whether the message has further parts; nil when nothing waits.
    func receivePart() -> Bool? {
        guard !isClosed else { return nil }
        while zmq_msg_recv(part, handle, ZMQ_DONTWAIT) < 0 {
            guard zmq_errno() == EINTR else { return nil }
        }
        return zmq_msg_more(part) != 0
    }

    /// Passes over what is left of a message.
    func skipParts() {
        while receivePart() == true {}
    }

    func withPart<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        body(UnsafeRawBufferPointer(start: zmq_msg_data(part), count: zmq_msg_size(part)))
    }

    /// The part received last, in one copy.
    func copyPart() -> ByteBuffer {
        withPart { bytes in
            var buffer = ByteBufferAllocator().buffer(capacity: bytes.count)
            buffer.writeBytes(bytes)
            return buffer
        }
    }

    /// - Returns: 0, or ZeroMQ's error number.
    func send(_ bytes: UnsafeRawBufferPointer, hasMore: Bool) -> Int32 {
        guard !isClosed else { return ENOTSOCK }
        let flags = hasMore ? ZMQ_DONTWAIT | ZMQ_SNDMORE : ZMQ_DONTWAIT
        while zmq_send(handle, bytes.baseAddress, bytes.count, flags) < 0 {
            let code = zmq_errno()
            guard code == EINTR else { return code }
        }
        return 0
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        // First the file, as long as the descriptor holds its inode number; ZeroMQ closes the descriptor later.
        listener?.remove()
        zmq_close(handle)
    }
}
