import Glibc
import NIOConcurrencyHelpers
import NIOCore

/// The thread that watches the descriptors of all ZeroMQ sockets of a process and pokes the loops they belong to.
///
/// NIO cannot watch them itself: it would read them. The thread does nothing else, until at the end it sees to it that
/// all sockets are closed before their context is.
final class BusPoller: Sendable {
    /// A descriptor under watch.
    struct Watch: Sendable {
        let descriptor: Int32
        fileprivate let token: UInt64
    }

    private struct State {
        var phase = Phase.running
        var registrations: [UInt64: PollRegistration] = [:]
        /// Never used twice: an event may be on its way when its socket is closed. 0 is the bell.
        var nextToken: UInt64 = 1
        /// Sockets that were made and not closed yet, watched or not.
        var openSockets = 0
        var thread: pthread_t?
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private enum Phase {
        case running
        /// No socket may be made any more; those there are being closed, until the deadline at the latest.
        case stopping(deadline: NIODeadline)
        case stopped
    }

    private enum Next {
        case wait(milliseconds: Int32)
        case finish(allClosed: Bool)
    }

    private let epoll: Epoll
    /// Wakes the thread when it has to stop.
    private let bell: Bell
    private let state = NIOLockedValueBox(State())
    private let finish: @Sendable (_ allClosed: Bool) -> Void

    /// - Parameter finish: called once, on the thread, before ``stop()`` returns: is every socket closed?
    init(finish: @escaping @Sendable (_ allClosed: Bool) -> Void) throws(BusError) {
        self.finish = finish
        epoll = try Epoll()
        do throws(BusError) {
            bell = try Bell()
        } catch {
            epoll.close()
            throw error
        }
        do throws(BusError) {
            try epoll.watch(bell.descriptor, token: 0)
            try startThread()
        } catch {
            bell.close()
            epoll.close()
            throw error
        }
    }

    // MARK: From the loops

    /// - Returns: whether another socket may be made. Each that was allowed is reported with ``socketClosed()``.
    func socketOpens() -> Bool {
        state.withLockedValue { state in
            switch state.phase {
            case .running:
                state.openSockets += 1
                return true
            case .stopping, .stopped:
                return false
            }
        }
    }

    func socketClosed() {
        state.withLockedValue { state in
            state.openSockets -= 1
            switch state.phase {
            case .running, .stopped: break
            // Under the lock: afterwards the thread may have ended and closed the bell.
            case .stopping: if state.openSockets == 0 { bell.ring() }
            }
        }
    }

    func add(_ descriptor: Int32, _ registration: PollRegistration) throws(BusError) -> Watch {
        let token: UInt64? = state.withLockedValue { state in
            switch state.phase {
            case .running:
                let token = state.nextToken
                state.nextToken += 1
                state.registrations[token] = registration
                return token
            case .stopping, .stopped:
                return nil
            }
        }
        guard let token else { throw .networkClosed }
        do throws(BusError) {
            try epoll.watch(descriptor, token: token)
        } catch {
            state.withLockedValue { state in _ = state.registrations.removeValue(forKey: token) }
            throw error
        }
        return Watch(descriptor: descriptor, token: token)
    }

    /// To be called before the descriptor is closed, lest another file gets its number meanwhile.
    func remove(_ watch: Watch) {
        epoll.forget(watch.descriptor)
        state.withLockedValue { state in _ = state.registrations.removeValue(forKey: watch.token) }
    }

    // MARK: The end

    /// Closes all sockets and joins the thread.
    func stop() async {
        await withCheckedContinuation { continuation in
            let registrations: [PollRegistration]? = state.withLockedValue { state in
                switch state.phase {
                case .running:
                    state.phase = .stopping(deadline: .now() + BusLimits.shutdown)
                    state.waiting.append(continuation)
                    bell.ring()
                    return Array(state.registrations.values)
                case .stopping:
                    state.waiting.append(continuation)
                    return []
                case .stopped:
                    return nil
                }
            }
            guard let registrations else { return continuation.resume() }
            for registration in registrations { registration.close() }
        }
        let thread = state.withLockedValue { state in state.thread.take() }
        if let thread { pthread_join(thread, nil) }
    }

    // MARK: The thread

    private func startThread() throws(BusError) {
        let code = state.withLockedValue { state in
            var thread = pthread_t()
            // The thread keeps the poller: it outlives whoever made it.
            let retained = Unmanaged.passRetained(self)
            let code = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<BusPoller>.fromOpaque(argument).takeRetainedValue().run()
                    return nil
                }, retained.toOpaque())
            guard code == 0 else {
                retained.release()
                return code
            }
            state.thread = thread
            return 0
        }
        guard code == 0 else { throw .system(operation: "pthread_create", path: "", code: code) }
    }

    private func run() {
        // Signals are for the threads that expect them.
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, nil)

        while true {
            switch next() {
            case .wait(let milliseconds):
                epoll.wait(atMost: 64, milliseconds: milliseconds) { token in happened(token) }
            case .finish(let allClosed):
                finish(allClosed)
                let waiting = state.withLockedValue { state in
                    state.phase = .stopped
                    // A loop that is late may still take its socket from the watch: then the descriptors stay.
                    if allClosed {
                        bell.close()
                        epoll.close()
                    }
                    defer { state.waiting = [] }
                    return state.waiting
                }
                for continuation in waiting { continuation.resume() }
                return
            }
        }
    }

    private func next() -> Next {
        state.withLockedValue { state in
            switch state.phase {
            case .running:
                return .wait(milliseconds: -1)
            case .stopping(let deadline):
                let left = deadline - .now()
                if state.openSockets == 0 || left <= .nanoseconds(0) {
                    return .finish(allClosed: state.openSockets == 0)
                }
                return .wait(milliseconds: Int32(clamping: left.nanoseconds / 1_000_000 + 1))
            case .stopped:
                return .finish(allClosed: false)
            }
        }
    }

    private func happened(_ token: UInt64) {
        if token == 0 {
            bell.silence()
        } else {
            state.withLockedValue { state in state.registrations[token] }?.poke()
        }
    }
}
