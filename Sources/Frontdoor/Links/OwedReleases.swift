import Identity

/// Sessions that one worker is still to give up: their requests were answered with an error here, and may yet have had
/// their effect there. Each is owed until the worker has acknowledged the message it went in, and is part of every list
/// until then.
struct OwedReleases {
    /// The oldest are forgotten beyond that. A worker releases what a list does not name, too; an entry of its own is for
    /// what had not come about by then.
    static let maximum = 4096

    /// With the number of the message on the present link, if it went.
    private var owed: [(session: SessionID, message: UInt64?)] = []

    var sessions: [SessionID] { owed.map(\.session) }

    /// - Parameter message: nil: there is no link to send it on.
    mutating func add(_ session: SessionID, sentIn message: UInt64?) {
        owed.removeAll { $0.session == session }
        if owed.count >= Self.maximum { owed.removeFirst() }
        owed.append((session, message))
    }

    /// All of them went in a list that is complete with this message.
    mutating func listed(in message: UInt64) {
        for index in owed.indices { owed[index].message = message }
    }

    mutating func acknowledged(upTo message: UInt64) {
        guard !owed.isEmpty else { return }
        owed.removeAll { $0.message.map { $0 <= message } ?? false }
    }

    /// What was under way may be lost.
    mutating func linkLost() {
        for index in owed.indices { owed[index].message = nil }
    }
}
