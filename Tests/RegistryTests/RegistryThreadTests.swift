import Dispatch
import Identity
import Logging
import NIOConcurrencyHelpers
import Synchronization
import Testing

@testable import Registry

struct RegistryThreadTests {
    private let directory = TemporaryDirectory()

    private func thread(limit: Int = RegistryThread.defaultLimit) -> RegistryThread {
        let path = directory.registry
        return RegistryThread(label: "registry", logger: .silent, limit: limit) { () throws(RegistryError) in
            try SQLiteRegistryStore(path: path)
        }
    }

    /// Keeps the thread busy, so that whatever is submitted until the result is called comes after one and the same
    /// commit. Returns when the thread is held.
    private func hold(_ thread: RegistryThread) async -> () -> Void {
        let release = DispatchSemaphore(value: 0)
        await withCheckedContinuation { held in
            thread.submit { _ in
                held.resume()
                release.wait()
            } completion: { _ in
            }
        }
        return { release.signal() }
    }

    private func slots(_ thread: RegistryThread) async throws(RegistryError) -> [SlotRow] {
        try await thread.perform(.read) { store throws(RegistryError) in try store.slots() }
    }

    @Test func `Operations run in order on one store, and their completions come in the same order`() async throws {
        let thread = thread()
        let owner = try await thread.perform { store throws(RegistryError) in try store.take(SlotID.first) }
        let order = NIOLockedValueBox<[Int]>([])
        try await withCheckedThrowingContinuation { (finished: CheckedContinuation<Void, any Error>) in
            for number in 0..<1000 {
                thread.submit { store throws(RegistryError) in
                    try store.renewSlot(owner, load: number, servesJanus: true, lease: .soon)
                } completion: { _ in
                    order.withLockedValue { $0.append(number) }
                    if number == 999 { finished.resume() }
                }
            }
        }
        #expect(order.withLockedValue { $0 } == Array(0..<1000))
        #expect(try await slots(thread).map(\.load) == [999])
        thread.stop()
    }

    @Test func `What came during one commit shares the next, 256 operations at most`() async throws {
        let thread = thread()
        let owner = try await thread.perform { store throws(RegistryError) in try store.take(SlotID.first) }
        func transactions() async throws -> Int {
            try await thread.perform(.read) { store in
                (store as? SQLiteRegistryStore)?.transactions ?? -1
            }
        }
        let before = try await transactions()
        let release = await hold(thread)
        for number in 0..<600 {
            thread.submit { store throws(RegistryError) in
                try store.renewSlot(owner, load: number, servesJanus: true, lease: .soon)
            } completion: { _ in
            }
        }
        release()
        // The operation that held the thread, 256 + 256 + 88 of the others; the question came with those or after them.
        #expect((4...5).contains(try await transactions() - before))
        thread.stop()
    }

    @Test func `An operation that fails is undone and leaves its neighbours alone`() async throws {
        let thread = thread()
        let owner = try await thread.perform { store throws(RegistryError) in try store.take(SlotID.first) }
        let names = try ["a", "b", "c"].map(uri)
        let outcomes = NIOLockedValueBox<[Result<RoomClaimOutcome, RegistryError>]>([])
        let release = await hold(thread)
        for name in names {
            thread.submit { store throws(RegistryError) in
                let outcome = try store.claimRoom(claim(name, by: owner))
                if name == names[1] { throw RegistryError.conflict("no") }
                return outcome
            } completion: { outcome in
                outcomes.withLockedValue { $0.append(outcome) }
            }
        }
        release()
        let rooms = try await thread.perform { store throws(RegistryError) in try store.rooms(of: .first) }
        #expect(rooms.map(\.uri) == [names[0], names[2]])
        #expect(outcomes.withLockedValue { $0 } == [.success(.claimed), .failure(.conflict("no")), .success(.claimed)])
        thread.stop()
    }

    @Test func `Reading is not held up by another process that holds the writer's lock`() async throws {
        let thread = thread()
        _ = try await thread.perform { store throws(RegistryError) in try store.take(SlotID.first) }
        let other = self.thread()
        let release = await hold(other)
        #expect(try await slots(thread).count == 1)
        await #expect(throws: RegistryError.self) {
            try await thread.perform { store throws(RegistryError) in try store.take(SlotID.first) }
        }
        release()
        other.stop()
        _ = try await thread.perform { store throws(RegistryError) in try store.take(SlotID.first) }
        thread.stop()
    }

    @Test func `Stopping answers everything submitted before and nothing after`() async throws {
        let thread = thread()
        _ = try await thread.perform { store throws(RegistryError) in try store.take(SlotID.first) }
        let answered = NIOLockedValueBox(0)
        let release = await hold(thread)
        for _ in 0..<500 {
            thread.submit(.read) { store throws(RegistryError) in
                try store.slots()
            } completion: { outcome in
                if case .success(let rows) = outcome, rows.count == 1 { answered.withLockedValue { $0 += 1 } }
            }
        }
        release()
        thread.stop()
        #expect(answered.withLockedValue { $0 } == 500)
        thread.stop()
        await #expect(throws: RegistryError.unavailable("the registry is stopped")) {
            try await slots(thread)
        }
        // The store is closed: what lay beside the file has been merged into it.
        #expect(try SQLiteRegistryStore(path: directory.registry).slots().count == 1)
    }

    @Test func `A full queue refuses at once, and takes requests again when it has drained`() async throws {
        let thread = thread(limit: 3)
        let outcomes = NIOLockedValueBox<[Result<Int, RegistryError>]>([])
        let release = await hold(thread)
        for number in 1...4 {
            thread.submit { _ in
                number
            } completion: { outcome in
                outcomes.withLockedValue { $0.append(outcome) }
            }
        }
        let full = RegistryError.unavailable("3 operations are waiting for the registry")
        #expect(outcomes.withLockedValue { $0 } == [.failure(full), .failure(full)])
        release()
        thread.stop()
        #expect(outcomes.withLockedValue { $0 } == [.failure(full), .failure(full), .success(1), .success(2)])
    }

    @Test func `While no store can be made operations say why, and it goes on when one can`() async throws {
        let path = directory.registry
        let attempts = AsyncStream.makeStream(of: Int.self)
        let allowed = Atomic(false)
        let tries = Atomic(0)
        let thread = RegistryThread(label: "registry", logger: .silent) { () throws(RegistryError) in
            attempts.continuation.yield(tries.wrappingAdd(1, ordering: .relaxed).newValue)
            guard allowed.load(ordering: .relaxed) else { throw RegistryError.unavailable("the disk is away") }
            return try SQLiteRegistryStore(path: path)
        }
        var attempt = attempts.stream.makeAsyncIterator()
        #expect(await attempt.next() == 1)
        for _ in 1...3 {
            await #expect(throws: RegistryError.unavailable("the disk is away")) {
                try await slots(thread)
            }
        }
        allowed.store(true, ordering: .relaxed)
        // It is tried again though nobody asks; one of these attempts finds the disk again.
        var isAway = true
        while isAway {
            _ = await attempt.next()
            do throws(RegistryError) {
                _ = try await slots(thread)
                isAway = false
            } catch {
                #expect(error == .unavailable("the disk is away"))
            }
        }
        thread.stop()
    }

    @Test func `Stopping does not wait for a store that cannot be made`() async throws {
        let thread = RegistryThread(label: "registry", logger: .silent) { () throws(RegistryError) in
            throw RegistryError.incompatible("too old")
        }
        await #expect(throws: RegistryError.incompatible("too old")) {
            try await slots(thread)
        }
        thread.stop()
    }
}

extension SlotID {
    fileprivate static var first: SlotID {
        guard let slot = SlotID("host1/1") else { preconditionFailure("host1/1 names a slot") }
        return slot
    }
}

extension Logger {
    static var silent: Logger { Logger(label: "registry") { _ in SwiftLogNoOpLogHandler() } }
}
