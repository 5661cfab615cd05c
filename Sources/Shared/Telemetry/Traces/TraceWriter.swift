import Dispatch
import Foundation
import Logging
import NIOConcurrencyHelpers

/// Writes messages as they came and went into a file, redacted, on a thread of its own. Whoever traces never waits: what
/// comes too fast is left out, and the file says how much.
///
/// A record is a line with the time, the running number, the direction and the peer; the message; an empty line.
public final class TraceWriter: Sendable {
    public enum Direction: String, Sendable {
        /// Towards this process.
        case incoming = "INCOMING"
        case outgoing = "OUTGOING"
    }

    /// What may wait to be written.
    static let maximumRecords = 16_384
    static let maximumBytes = 16 << 20

    private struct Record {
        let time: UTCTimestamp
        let number: UInt64
        let direction: Direction
        let peer: String
        let message: [UInt8]
    }

    private struct State {
        var records: [Record] = []
        var bytes = 0
        var number: UInt64 = 0
        /// Left out and not yet mentioned in the file.
        var lost = 0
        /// Left out in all.
        var lostInAll: UInt64 = 0
        var isAsleep = false
        var mustReopen = false
        var isStopping = false
    }

    private let state = NIOLockedValueBox(State())
    private let wake = DispatchSemaphore(value: 0)
    private let finished = DispatchGroup()
    private let path: String
    private let logger: Logger
    private let bounds: (records: Int, bytes: Int)

    /// - Parameter path: is made, if it is not there; others may write to it, too.
    public convenience init(_ path: String, logger: Logger) throws(TraceFailure) {
        try self.init(path, logger: logger, bounds: (Self.maximumRecords, Self.maximumBytes))
        start(try TraceFile(path))
    }

    init(_ path: String, logger: Logger, bounds: (records: Int, bytes: Int)) throws(TraceFailure) {
        self.path = path
        self.logger = logger
        self.bounds = bounds
    }

    /// Begins to write.
    func start(_ file: TraceFile) {
        finished.enter()
        Thread { [self] in
            Thread.current.name = "trace"
            run(file)
            finished.leave()
        }.start()
    }

    /// May be called on any thread, and never waits.
    ///
    /// - Parameters:
    ///   - peer: `client at …`, `janus at …`.
    ///   - message: as it came, or as it is sent: it is redacted before it is written.
    public func record(_ direction: Direction, _ peer: String, _ message: [UInt8]) {
        let time = UTCTimestamp.now
        let wakes = state.withLockedValue { state -> Bool in
            guard !state.isStopping else { return false }
            state.number += 1
            guard state.records.count < bounds.records, state.bytes + message.count <= bounds.bytes else {
                state.lost += 1
                state.lostInAll += 1
                return false
            }
            state.records.append(
                Record(time: time, number: state.number, direction: direction, peer: peer, message: message))
            state.bytes += message.count
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if wakes { wake.signal() }
    }

    /// Messages that were left out since the start.
    public var lost: UInt64 { state.withLockedValue { $0.lostInAll } }

    /// The file was moved away: the next record goes into a new one.
    public func reopen() { poke { $0.mustReopen = true } }

    /// Writes what is left, and ends. Blocks until that is done.
    public func stop() {
        poke { $0.isStopping = true }
        finished.wait()
    }

    private func poke(_ change: (inout State) -> Void) {
        let wakes = state.withLockedValue { state in
            change(&state)
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if wakes { wake.signal() }
    }

    // MARK: The thread's side

    /// What there is to do.
    private struct Work {
        var records: [Record] = []
        var lost = 0
        var reopens = false
        var ends = false
        var isNothing: Bool { records.isEmpty && lost == 0 && !reopens }
    }

    private func take() -> Work {
        state.withLockedValue { state in
            let work = Work(
                records: state.records, lost: state.lost, reopens: state.mustReopen, ends: state.isStopping)
            state.records = []
            state.bytes = 0
            state.lost = 0
            state.mustReopen = false
            state.isAsleep = work.isNothing && !work.ends
            return work
        }
    }

    private func run(_ first: TraceFile) {
        var file = first
        var unmentioned = 0
        var isFailing = false
        let process = getpid()
        func append(_ head: String, _ message: [UInt8]) -> Bool {
            do throws(TraceFailure) {
                try file.append(Array("\(head) process \(process)\n".utf8) + message + [0x0A, 0x0A])
                isFailing = false
                return true
            } catch {
                if !isFailing { logger.error("the trace is incomplete", metadata: .keyed([.error: "\(error)"])) }
                isFailing = true
                return false
            }
        }
        while true {
            let work = take()
            if work.reopens { reopen(&file) }
            for record in work.records {
                let head = "\(record.time) \(record.number) \(record.direction.rawValue) \(record.peer)"
                guard !append(head, Redaction.redacted(record.message)) else { continue }
                unmentioned += 1
                state.withLockedValue { $0.lostInAll += 1 }
            }
            unmentioned += work.lost
            let note = Array("\(unmentioned) messages were left out".utf8)
            if unmentioned > 0, append("\(UTCTimestamp.now) - NOTE", note) { unmentioned = 0 }
            guard work.isNothing else { continue }
            if work.ends { break }
            wake.wait()
        }
        file.close()
    }

    private func reopen(_ file: inout TraceFile) {
        do throws(TraceFailure) {
            let next = try TraceFile(path)
            file.close()
            file = next
        } catch {
            logger.error("the trace goes on in the old file", metadata: .keyed([.error: error.description]))
        }
    }
}
