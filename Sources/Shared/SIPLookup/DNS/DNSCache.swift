import NIOCore

/// What was answered, for as long as it holds.
struct DNSCache {
    /// RFC 2308 §5 lets a resolver hold absences shortly; whoever has just made a record would not wait for hours.
    static let longestAbsence: UInt32 = 60
    static let longest: UInt32 = 3600
    static let maximumEntries = 1024

    private struct Entry {
        let answer: DNSAnswer
        let end: NIODeadline
    }

    private var entries: [DNSQuestion: Entry] = [:]

    var count: Int { entries.count }

    /// - Returns: nil: it has to be asked.
    mutating func answer(to question: DNSQuestion, at now: NIODeadline) -> DNSAnswer? {
        guard let entry = entries[question] else { return nil }
        guard now < entry.end else {
            entries[question] = nil
            return nil
        }
        return entry.answer
    }

    /// Failures and what does not hold at all are not kept.
    mutating func store(_ answer: DNSAnswer, to question: DNSQuestion, at now: NIODeadline) {
        let seconds: UInt32
        switch answer {
        case .records(_, let lifetime): seconds = min(lifetime, Self.longest)
        case .absent(let lifetime): seconds = min(lifetime ?? 0, Self.longestAbsence)
        case .failed: return
        }
        guard seconds > 0 else {
            entries[question] = nil
            return
        }
        if entries[question] == nil, entries.count >= Self.maximumEntries { makeRoom(at: now) }
        entries[question] = Entry(answer: answer, end: now + .seconds(Int64(seconds)))
    }

    /// What is over goes, or else the quarter that would go first.
    private mutating func makeRoom(at now: NIODeadline) {
        entries = entries.filter { now < $0.value.end }
        guard entries.count >= Self.maximumEntries else { return }
        let first = entries.sorted { $0.value.end < $1.value.end }.prefix(Self.maximumEntries / 4)
        for (question, _) in first { entries[question] = nil }
    }
}
