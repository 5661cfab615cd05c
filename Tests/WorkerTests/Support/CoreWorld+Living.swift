import Identity
import NIOCore
import Registry
import Sylkrtc
import Testing

@testable import Worker

/// Lets a world with faults go on by itself: dead workers have successors, and clients' media comes up.
extension CoreWorld {
    /// Until nothing happens any more; `patience` is what a fault takes to be noticed and mended.
    func live(patience: TimeAmount = .milliseconds(50)) {
        for _ in 0..<30 {
            settle()
            if isDead {
                succeed()
                continue
            }
            elapse(patience)
            if isDead { continue }
            guard bringMediaUp() else { return }
        }
        Issue.record("it does not come to rest")
    }

    /// Time passes, in larger steps than ``advance(by:)``'s.
    func elapse(_ amount: TimeAmount) {
        var left = amount
        while left > .zero, !isDead {
            let step = min(left, .milliseconds(250))
            loop.advance(by: step)
            settle()
            left = left - step
        }
    }

    /// What clients' media does once they know what they need.
    ///
    /// - Returns: whether anything came up.
    func bringMediaUp() -> Bool {
        var hasChanged = false
        for (session, told) in doors.flatMap(\.book.sessions) {
            guard let id = janusHandle(of: session), let handle = janus.handles[id], !handle.isUp, handle.local != nil
            else { continue }
            switch told {
            case .publisher(let told): if told.stage < .accepted { continue }
            case .registration, .call: continue
            case .feed(_, let told): if !told.isAnswered || !handle.isAnswered { continue }
            }
            janus.mediaUp(id)
            hasChanged = true
        }
        return hasChanged
    }

    func janusHandle(of session: SessionID) -> UInt64? {
        let opaque = OpaqueID(deployment: deployment, slot: slot, purpose: .session(session)).description
        let handles = janus.handles.filter { $0.value.opaque == opaque }
        return (handles.first { $0.value.role != .none } ?? handles.first)?.key
    }

    /// What every front door was told since the last call, by connection.
    func transcripts() -> [String: [String]] {
        var lines: [String: [String]] = [:]
        for (index, door) in doors.enumerated() {
            for line in door.transcript() where !line.hasSuffix("resynced") {
                lines["\(index)-\(line.prefix { $0 != "/" })", default: []].append(line)
            }
        }
        return lines
    }

    /// Every client knows exactly those who are there, and Janus has exactly those.
    func expectConsistency(_ comment: String) {
        var publishers: [PublisherID: SessionID] = [:]
        for door in doors {
            #expect(door.book.violations == [], "\(comment)")
            #expect(door.book.waiting.map { "\($0.connection.number)/\($0.sequence)" } == [], "unanswered, \(comment)")
            for (session, told) in door.book.sessions {
                guard case .publisher = told else { continue }
                publishers[.of(session, in: deployment)] = session
            }
        }
        #expect(janus.violations == [], "\(comment)")
        #expect(ends == [], "\(comment)")
        let participants = janus.rooms.values.flatMap(\.participants)
        #expect(
            Set(participants.map(\.key)) == Set(publishers.keys.map(\.rawValue)), "participants in Janus, \(comment)")
        for room in janus.rooms.values {
            for id in room.participants.keys {
                guard let session = publishers[PublisherID(rawValue: id)] else { continue }
                let told = doors.lazy.compactMap { $0.book.state(session) }.first
                let others = room.participants.filter { $0.key != id && $0.value.isUp }.keys
                #expect(
                    Set(told?.announced.values.map(\.rawValue) ?? []) == Set(others),
                    "who is there for \(session), \(comment)")
            }
        }
    }

    /// Everybody in a room knows who is prominent there, and has the bitrate that goes with it.
    func expectAgreementOnActive(_ comment: String) throws {
        for row in try rooms() {
            guard let room = janus.rooms[row.janusRoom.rawValue] else { continue }
            let book = doors.flatMap(\.book.sessions).filter { session, _ in
                room.participants[PublisherID.of(session, in: deployment).rawValue] != nil
            }
            let present = Set(book.map(\.key.description))
            #expect(present.isSuperset(of: row.activeParticipants), "who is prominent is there, \(comment)")
            for (session, told) in book {
                guard case .publisher(let told) = told, told.hasInitialPublishers else { continue }
                #expect(told.configuration ?? 0 == row.version, "\(session), \(comment)")
                let known = doors.lazy.compactMap { $0.book.prominent[session] }.first ?? []
                #expect(known.count == row.activeParticipants.count, "\(session), \(comment)")
                guard let handle = janusHandle(of: session), !row.activeParticipants.isEmpty else { continue }
                let share =
                    row.activeParticipants.contains(session.description)
                    ? 2_016_000 / row.activeParticipants.count : BitrateShares.inactive
                let bitrate = min(share, told.bitrateCap ?? share)
                #expect(janus.handles[handle]?.bitrate == bitrate, "\(session), \(comment)")
            }
        }
    }

    /// Everybody terminates, and nothing is left anywhere.
    func everybodyLeaves(_ comment: String) throws {
        for door in doors {
            for session in door.book.sessions.keys.sorted(by: { $0.description < $1.description }) {
                guard door.book.state(session) != nil else { continue }
                door.request(
                    .terminate(session: session.request), session.connection.number, 9000 + session.request.rawValue)
            }
        }
        live(patience: .seconds(1))
        elapse(.seconds(3))
        if janus.handles.count > 1 || !janus.rooms.isEmpty { elapse(JanusSweep.interval + .seconds(1)) }
        for door in doors {
            #expect(door.book.sessions.isEmpty, "\(comment)")
            #expect(door.book.violations == [], "\(comment)")
            #expect(door.book.waiting.map { "\($0.connection.number)/\($0.sequence)" } == [], "unanswered, \(comment)")
        }
        #expect(janus.handles.values.map(\.opaque) == ["c1:main:host1/1:rooms"], "left in Janus, \(comment)")
        #expect(janus.rooms.isEmpty, "rooms left in Janus, \(comment)")
        #expect(try sessions() == [], "rows left, \(comment)")
        #expect(try rooms() == [], "rows left, \(comment)")
    }
}
