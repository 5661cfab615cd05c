import NIOCore

/// Lets so many lines of one kind into the log every second, so that nobody can fill it.
struct LogGate {
    private let limit: Int
    private var second: NIODeadline?
    private var passed = 0
    private var stopped = 0

    init(perSecond limit: Int = 1) { self.limit = limit }

    /// - Returns: nil: not this one; otherwise how many were stopped since the last that passed.
    mutating func passes(at now: NIODeadline) -> Int? {
        if second.map({ now - $0 >= .seconds(1) }) ?? true {
            second = now
            passed = 0
        }
        guard passed < limit else {
            stopped += 1
            return nil
        }
        passed += 1
        defer { stopped = 0 }
        return stopped
    }
}
