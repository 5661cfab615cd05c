import Bus
import Identity
import NIOCore
import Sylkrtc
import Testing

@testable import Worker

/// One thing that a client asks for, in a world that is made for it.
struct Scenario: Sendable, CustomTestStringConvertible {
    /// What strikes at a moment.
    enum Fault: Sendable { case death, janusLinkBreaks, frontdoorLinkBreaks }

    let testDescription: String
    let prepare: @Sendable (CoreWorld) throws -> Void
    let ask: @Sendable (ScriptedFrontdoor) -> Void

    struct Outcome {
        let lines: [String: [String]]
        /// What Janus has.
        let bitrates: [Int]
        let moments: [Moment]
        let names: [String]
        let second: [Moment]
    }

    /// - Parameter second: strikes again, counted from the first one.
    func run(_ moment: Moment?, then second: Moment? = nil, _ fault: Fault = .death) throws -> Outcome {
        let comment = "\(testDescription): \(fault) \(moment?.description ?? "never"), \(second?.description ?? "once")"
        let world = try CoreWorld()
        defer { world.end() }
        try world.serve()
        try prepare(world)
        world.live()
        _ = world.transcripts()
        var moments: [Moment]?
        world.strike = { world in
            moments = moments ?? world.fate.moments
            switch fault {
            case .death: world.kill()
            case .janusLinkBreaks:
                world.isJanusBroken = true
                world.janus.cutLinks()
            case .frontdoorLinkBreaks: world.network.cut(world.door.routingID, at: world.endpoint)
            }
            world.fate.begin(second, isLethal: fault == .death)
            world.strike = { $0.kill() }
        }
        world.fate.begin(moment, isLethal: fault == .death)
        ask(world.door)
        let patience: TimeAmount =
            switch fault {
            case .death: .milliseconds(50)
            case .janusLinkBreaks: .seconds(1)
            case .frontdoorLinkBreaks: .milliseconds(4250)
            }
        world.live(patience: patience)
        if moment == nil { moments = world.fate.moments }
        let names = world.fate.moments.map { "\($0) \(world.fate.name(of: $0))" }
        let later = world.fate.moments
        world.fate.stopCounting()
        world.expectConsistency(comment)
        try world.expectAgreementOnActive(comment)
        // A feed's end is nobody's concern when its base session has ended.
        let lines = world.transcripts().mapValues { lines in
            lines.contains { $0.hasSuffix(": terminated") } ? lines.filter { !$0.contains("feed 2 ended") } : lines
        }
        let bitrates = world.janus.handles.values.filter { $0.role != .none }.map(\.bitrate).sorted()
        try world.everybodyLeaves(comment)
        return Outcome(lines: lines, bitrates: bitrates, moments: moments ?? [], names: names, second: later)
    }
}

extension Scenario {
    static let bob = client("bob")

    static let all: [Scenario] = [
        firstJoin, secondJoin, attach, answer, detach, update, configure, configureNobody, joinActive, activeLeaves,
        invite, terminate, lastTerminate,
    ]

    static let firstJoin = Scenario(testDescription: "the first join", prepare: { _ in }) { door in
        door.request(.join(joining("alice")), 1, 1)
    }

    static let secondJoin = Scenario(testDescription: "a join", prepare: { try $0.join("alice", 1) }) { door in
        door.request(.join(joining("bob")), 2, 1)
    }

    static let attach = Scenario(testDescription: "a feed-attach", prepare: two) { door in
        door.request(.feedAttach(base: sequence(1), feed: client("feed"), publisher: "bob"), 1, 2)
    }

    static let answer = Scenario(
        testDescription: "a feed-answer",
        prepare: { world in
            try two(world)
            world.request(.feedAttach(base: sequence(1), feed: client("feed"), publisher: "bob"), 1, 2)
        }
    ) { door in
        door.request(.feedAnswer(feed: sequence(2), answer: sdp("x")), 1, 3)
    }

    static let detach = Scenario(testDescription: "a feed-detach", prepare: watching) { door in
        door.request(.feedDetach(feed: sequence(2)), 1, 4)
    }

    static let update = Scenario(
        testDescription: "an update", prepare: two,
        ask: { door in
            door.request(.update(session: sequence(1), audio: true, video: nil, bitrate: 300_000), 1, 2)
        })

    static let configure = Scenario(testDescription: "a configure-room", prepare: three) { door in
        door.request(.configureRoom(session: sequence(1), activeParticipants: ["carol", "bob"]), 1, 2)
    }

    static let configureNobody = Scenario(
        testDescription: "the end of the active participants",
        prepare: { world in
            try three(world)
            world.request(.configureRoom(session: sequence(1), activeParticipants: ["carol"]), 1, 2)
        }
    ) { door in
        door.request(.configureRoom(session: sequence(1), activeParticipants: []), 2, 2)
    }

    static let joinActive = Scenario(
        testDescription: "a join of a room with active participants",
        prepare: { world in
            try world.join("alice", 1)
            world.request(.configureRoom(session: sequence(1), activeParticipants: ["alice"]), 1, 2)
        }
    ) { door in
        door.request(.join(joining("bob")), 2, 1)
    }

    static let activeLeaves = Scenario(
        testDescription: "the leaving of an active participant",
        prepare: { world in
            try three(world)
            world.request(.configureRoom(session: sequence(1), activeParticipants: ["carol", "bob"]), 1, 2)
        }
    ) { door in
        door.request(.terminate(session: sequence(1)), 3, 2)
    }

    static let invite = Scenario(
        testDescription: "an invite",
        prepare: { world in
            try two(world)
            try world.claim([("alice", 1), ("bob", 2), ("bob", 3), ("carol", 4)])
        },
        ask: { door in
            let participants = [account("alice@example.com"), account("bob@example.com"), account("carol@example.com")]
            door.request(.invite(session: sequence(1), participants: participants), 1, 2)
        })

    static let terminate = Scenario(testDescription: "a terminate", prepare: watching) { door in
        door.request(.terminate(session: sequence(1)), 1, 4)
    }

    static let lastTerminate = Scenario(testDescription: "the last terminate", prepare: { try $0.join("alice", 1) }) {
        door in
        door.request(.terminate(session: sequence(1)), 1, 2)
    }

    private static let two: @Sendable (CoreWorld) throws -> Void = { world in
        try world.join("alice", 1)
        try world.join("bob", 2)
    }

    private static let three: @Sendable (CoreWorld) throws -> Void = { world in
        try two(world)
        try world.join("carol", 3)
    }

    private static let watching: @Sendable (CoreWorld) throws -> Void = { world in
        try two(world)
        world.request(.feedAttach(base: sequence(1), feed: client("feed"), publisher: "bob"), 1, 2)
        world.request(.feedAnswer(feed: sequence(2), answer: sdp("x")), 1, 3)
    }
}
