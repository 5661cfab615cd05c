import Glibc
import NIOConcurrencyHelpers

/// The thread that c-ares lives on. It waits for name servers, reads what they say, and does nothing else.
final class CAresThread: Sendable {
    private struct Asked: Sendable {
        let question: DNSQuestion
        let completion: @Sendable (DNSAnswer) -> Void
    }

    private struct State {
        var isStopping = false
        var waiting: [Asked] = []
        var thread: pthread_t?
    }

    private let servers: [NameServer]
    private let state = NIOLockedValueBox(State())
    /// Readable when the thread is to look at its state.
    private let bell: (reading: Int32, writing: Int32)

    init(_ servers: [NameServer]) throws(DNSSetupError) {
        self.servers = servers
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .system(operation: "pipe", code: errno) }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        bell = (ends[0], ends[1])
        do throws(DNSSetupError) {
            try start(CAresServing(servers))
        } catch {
            close(bell.reading)
            close(bell.writing)
            throw error
        }
    }

    /// - Parameter completion: called once, on the thread, or at once on the caller's when it is stopping.
    func ask(_ question: DNSQuestion, completion: @escaping @Sendable (DNSAnswer) -> Void) {
        let isStopping = state.withLockedValue { state in
            if !state.isStopping {
                // Rung while somebody waits already: the thread is on its way.
                if state.waiting.isEmpty { ring() }
                state.waiting.append(Asked(question: question, completion: completion))
            }
            return state.isStopping
        }
        if isStopping { completion(.failed(.stopped)) }
    }

    /// Answers everything that was asked and waits until the thread has ended, which is at once: it waits for nobody. Not to
    /// be called in a completion. More than once is fine.
    func stop() {
        let thread = state.withLockedValue { state in
            if !state.isStopping {
                state.isStopping = true
                ring()
            }
            return state.thread.take()
        }
        guard let thread else { return }
        pthread_join(thread, nil)
        close(bell.reading)
        close(bell.writing)
    }

    /// A full pipe is as good.
    private func ring() {
        var byte: UInt8 = 0
        _ = write(bell.writing, &byte, 1)
    }

    // MARK: The thread

    /// What the thread is given, and nobody else has.
    private final class Errand {
        let thread: CAresThread
        let serving: CAresServing

        init(_ thread: CAresThread, _ serving: CAresServing) {
            self.thread = thread
            self.serving = serving
        }
    }

    private func start(_ serving: CAresServing) throws(DNSSetupError) {
        let errand = Unmanaged.passRetained(Errand(self, serving))
        let code = state.withLockedValue { state in
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    let errand = Unmanaged<Errand>.fromOpaque(argument).takeRetainedValue()
                    errand.thread.run(errand.serving)
                    return nil
                }, errand.toOpaque())
            if code == 0 { state.thread = thread }
            return code
        }
        guard code == 0 else {
            errand.release()
            throw .system(operation: "pthread_create", code: code)
        }
    }

    private func run(_ serving: CAresServing) {
        // Signals are for the threads that expect them.
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, nil)

        var isStopping = false
        while !isStopping {
            var waiting: [Asked] = []
            (waiting, isStopping) = state.withLockedValue { state in
                defer { state.waiting = [] }
                return (state.waiting, state.isStopping)
            }
            for asked in waiting {
                if isStopping {
                    asked.completion(.failed(.stopped))
                } else {
                    serving.ask(asked.question, completion: asked.completion)
                }
            }
            if !isStopping { serving.wait(bell: bell.reading) }
        }
        serving.stop()
    }
}
