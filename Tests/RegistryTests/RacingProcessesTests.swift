import Foundation
import Identity
import Registry
import Testing

@Suite("Two processes")
struct RacingProcessesTests {
    static let rooms = 400

    @Test func `Of two processes racing for each room exactly one gets it, and both know which`() async throws {
        let directory = TemporaryDirectory()
        #expect(mkfifo(directory.path + "/start", 0o600) == 0)
        async let first: Void = race(1, in: directory.path)
        async let second: Void = race(2, in: directory.path)
        _ = await (first, second)

        let store = try SQLiteRegistryStore(path: directory.registry)
        let wins = try (1...2).map { number in
            Set(try String(contentsOfFile: directory.path + "/wins-\(number)", encoding: .utf8).split(separator: "\n"))
        }
        #expect(wins[0].isDisjoint(with: wins[1]))
        #expect(wins[0].count + wins[1].count == Self.rooms)
        for number in 1...2 {
            let recorded = try store.rooms(of: try slot(number))
            #expect(Set(recorded.map { Substring($0.uri.description) }) == wins[number - 1])
            #expect(recorded.allSatisfy { $0.janusRoom.rawValue == UInt64(number) })
            // One of them starts at the front, the other at the back: had they not overlapped, one would have them all.
            #expect(!recorded.isEmpty)
        }
    }

    /// A process that makes or opens the registry, takes a slot, and claims every room.
    private func race(_ number: Int, in directory: String) async {
        await #expect(processExitsWith: .success) { [number, directory] in
            let store = try patiently { try SQLiteRegistryStore(path: directory + "/registry.sqlite") }
            let place = try slot(number)
            let owner = try patiently { try store.take(place) }
            // Opening a pipe waits for whoever opens its other end: both go on at the same moment.
            let pipe = open(directory + "/start", number == 1 ? O_RDONLY : O_WRONLY)
            #expect(pipe >= 0)
            var names = try (0..<RacingProcessesTests.rooms).map { try uri("room\($0)") }
            if number == 2 { names.reverse() }
            var wins: [String] = []
            for name in names {
                let row = claim(name, by: owner, janusRoom: UInt64(number))
                switch try patiently({ try store.claimRoom(row) }) {
                case .claimed: wins.append(name.description)
                case .ownedBy(let row):
                    #expect(row.uri == name && row.owner.slot != owner.slot && row.janusRoom.rawValue != UInt64(number))
                }
            }
            for name in wins {
                let room = try #require(RoomURI(name))
                let row = try patiently { try store.room(room) }
                #expect(row?.owner == owner)
            }
            store.close()
            try wins.joined(separator: "\n").write(
                toFile: directory + "/wins-\(number)", atomically: true, encoding: .utf8)
        }
    }

    static let slots = 200

    @Test func `Of two processes that give up the same slots exactly one clears each away`() async throws {
        let directory = TemporaryDirectory()
        #expect(mkfifo(directory.path + "/start", 0o600) == 0)
        let store = try SQLiteRegistryStore(path: directory.registry)
        let lease = LeaseInstant.now().advanced(byMilliseconds: -60_000)
        let before = try (1...Self.slots).map { number in
            try store.takeSlot(
                try slot(number), endpoint: "e", janus: "j", weight: 1, wallClock: 1, lease: lease)
        }
        #expect(Set(before).count == 1)
        async let first: Void = abandon(1, in: directory.path)
        async let second: Void = abandon(2, in: directory.path)
        _ = await (first, second)

        let wins = try (1...2).map { number in
            Set(try String(contentsOfFile: directory.path + "/wins-\(number)", encoding: .utf8).split(separator: "\n"))
        }
        #expect(wins[0].isDisjoint(with: wins[1]))
        #expect(wins[0].count + wins[1].count == Self.slots)
        #expect(try store.slots().allSatisfy { $0.isAbandoned && $0.incarnation.rawValue == 2 })
    }

    /// A process that gives up every slot.
    private func abandon(_ number: Int, in directory: String) async {
        await #expect(processExitsWith: .success) { [number, directory] in
            let store = try patiently { try SQLiteRegistryStore(path: directory + "/registry.sqlite") }
            var slots = try patiently { try store.slots() }
            let pipe = open(directory + "/start", number == 1 ? O_RDONLY : O_WRONLY)
            #expect(pipe >= 0)
            if number == 2 { slots.reverse() }
            var wins: [String] = []
            for row in slots {
                let given = try patiently {
                    try store.abandonSlot(row.slot, incarnation: Incarnation(rawValue: 1), wallClock: 1)
                }
                if let given { wins.append(given.owner.slot.description) }
            }
            store.close()
            try wins.joined(separator: "\n").write(
                toFile: directory + "/wins-\(number)", atomically: true, encoding: .utf8)
        }
    }
}

/// A registry that is busy for longer than it waits is asked again: on a loaded machine the other process may hold it.
private func patiently<Value>(_ body: () throws -> Value) throws -> Value {
    for _ in 0..<100 {
        do {
            return try body()
        } catch RegistryError.unavailable {
            continue
        }
    }
    return try body()
}
