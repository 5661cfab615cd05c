import CCAres
import Glibc

/// A channel of c-ares: its questions under way and the sockets they are on. Confined to one thread.
final class CAresChannel {
    /// Of a server's first try, in milliseconds; the second is given twice that. With one server that is the time that
    /// a question is waited for (``CachingResolver/questionTime``).
    private static let firstTry: Int32 = 1000
    private static let tries: Int32 = 2
    /// What is known to come through without fragments; a longer answer comes by TCP.
    private static let datagram: Int32 = 1232

    /// Handed to c-ares with its question, and back with the answer.
    private final class Pending {
        let question: DNSQuestion
        let completion: (DNSAnswer) -> Void

        init(_ question: DNSQuestion, _ completion: @escaping (DNSAnswer) -> Void) {
            self.question = question
            self.completion = completion
        }
    }

    /// c-ares wants to be initialised once in a process; on Linux there is nothing to undo.
    private static let libraryStatus = ares_library_init(Int32(ARES_LIB_INIT_ALL))

    private var channel: ares_channel?
    /// What c-ares waits for on each of its sockets, as poll(2) has it.
    private(set) var sockets: [Int32: Int16] = [:]
    private(set) var underWay = 0

    /// - Parameter servers: empty: those of `/etc/resolv.conf`.
    init(_ servers: [NameServer]) throws(DNSSetupError) {
        try Self.check(Self.libraryStatus)
        var options = ares_options()
        options.flags = Int32(ARES_FLAG_NOSEARCH) | Int32(ARES_FLAG_EDNS)
        options.ednspsz = Self.datagram
        options.timeout = Self.firstTry
        options.tries = Self.tries
        options.sock_state_cb = { data, socket, isReadable, isWritable in
            guard let data else { return }
            Unmanaged<CAresChannel>.fromOpaque(data).takeUnretainedValue()
                .watch(socket, isReadable: isReadable != 0, isWritable: isWritable != 0)
        }
        // The channel is destroyed with this, and calls nobody afterwards.
        options.sock_state_cb_data = Unmanaged.passUnretained(self).toOpaque()
        let mask =
            Int32(ARES_OPT_FLAGS) | Int32(ARES_OPT_EDNSPSZ) | Int32(ARES_OPT_TIMEOUTMS) | Int32(ARES_OPT_TRIES)
            | Int32(ARES_OPT_SOCK_STATE_CB)
        try Self.check(ares_init_options(&channel, &options, mask))
        guard !servers.isEmpty else { return }
        let list = servers.map(\.description).joined(separator: ",")
        do throws(DNSSetupError) {
            try Self.check(ares_set_servers_ports_csv(channel, list))
        } catch {
            destroy()
            throw error
        }
    }

    private static func check(_ status: Int32) throws(DNSSetupError) {
        guard status == ARES_SUCCESS else {
            throw .library(reason: ares_strerror(status).map { String(cString: $0) } ?? "error \(status)")
        }
    }

    // MARK: Questions

    /// - Parameter completion: called once, possibly before this returns.
    func ask(_ question: DNSQuestion, completion: @escaping (DNSAnswer) -> Void) {
        underWay += 1
        let pending = Pending(question) { [self] answer in
            underWay -= 1
            completion(answer)
        }
        ares_query(
            channel, question.name.description, 1, Int32(question.type.number),
            { argument, status, _, bytes, length in
                guard let argument else { return }
                let pending = Unmanaged<Pending>.fromOpaque(argument).takeRetainedValue()
                let message = bytes.map { Array(UnsafeBufferPointer(start: $0, count: Int(length))) }
                pending.completion(CAresChannel.answer(to: pending.question, status, message ?? []))
            }, Unmanaged.passRetained(pending).toOpaque())
    }

    /// - Parameter message: as it came, where c-ares found it good enough to hand it on.
    private static func answer(to question: DNSQuestion, _ status: Int32, _ message: [UInt8]) -> DNSAnswer {
        switch status {
        case ARES_SUCCESS, ARES_ENODATA, ARES_ENOTFOUND:
            DNSMessageReader.answer(to: question, in: message)
        case ARES_ETIMEOUT: .failed(.timedOut)
        case ARES_ECANCELLED, ARES_EDESTRUCTION: .failed(.stopped)
        case ARES_EFORMERR, ARES_EBADRESP, ARES_EBADNAME: .failed(.malformed)
        default: .failed(.refused)
        }
    }

    // MARK: Sockets

    private func watch(_ socket: Int32, isReadable: Bool, isWritable: Bool) {
        let events = (isReadable ? Int16(POLLIN) : 0) | (isWritable ? Int16(POLLOUT) : 0)
        sockets[socket] = events == 0 ? nil : events
    }

    /// Milliseconds until something is to be done although nothing has come; -1: never.
    var patience: Int32 {
        var time = timeval()
        guard ares_timeout(channel, nil, &time) != nil else { return -1 }
        // Rounded up, so that nobody wakes too early again and again.
        return Int32(clamping: time.tv_sec * 1000 + (Int(time.tv_usec) + 999) / 1000)
    }

    /// - Parameter ready: sockets with what poll(2) says of them. Whether any is or not, what is late is seen to.
    func process(_ ready: [(socket: Int32, events: Int16)]) {
        for (socket, events) in ready {
            let isWritable = events & Int16(POLLOUT) != 0
            let isReadable = events & ~Int16(POLLOUT) != 0
            ares_process_fd(channel, isReadable ? socket : ARES_SOCKET_BAD, isWritable ? socket : ARES_SOCKET_BAD)
        }
        if ready.isEmpty { ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD) }
    }

    // MARK: The end

    /// Answers what is under way with ``DNSFailure/stopped`` and closes the sockets. Nothing may be asked afterwards.
    func destroy() {
        guard let channel else { return }
        self.channel = nil
        ares_destroy(channel)
    }

    deinit { destroy() }
}
