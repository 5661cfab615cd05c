import NIOCore
import Testing

@testable import Worker

@Suite struct SlotSeekerTests {
    private let loop = TestLoop()
    private let directory = TemporaryDirectory()

    private func seeker(_ numbers: [Int], _ directory: String? = nil) -> SlotSeeker {
        SlotSeeker(numbers: numbers, directory: directory ?? self.directory.path, loop: loop, logger: silentLogger)
    }

    private final class Found {
        var lock: SlotLock?
        var failures: [String] = []
        var count = 0

        func take(_ result: Result<SlotLock, SlotLock.Failure>) {
            count += 1
            switch result {
            case .success(let lock): self.lock = lock
            case .failure(let failure): failures.append(failure.description)
            }
        }
    }

    @Test func `the first free slot is taken at once`() throws {
        defer { loop.end() }
        let one = try SlotLock.take(1, in: directory.path)
        let found = Found()
        seeker([1, 2, 3]).seek { found.take($0) }
        #expect(found.lock?.number == 2)
        withExtendedLifetime(one) {}
    }

    @Test func `with none free it stands by, and has the slot at once when its holder dies`() throws {
        defer { loop.end() }
        var (one, two) = (try SlotLock.take(1, in: directory.path), try SlotLock.take(2, in: directory.path))
        let found = Found()
        let seeker = seeker([1, 2])
        seeker.seek { found.take($0) }
        loop.advance(by: .seconds(10))
        #expect(found.count == 0)
        two = nil
        loop.advance(by: .milliseconds(20))
        #expect(found.lock?.number == 2)
        one = nil
        loop.advance(by: .seconds(10))
        #expect(found.count == 1, "it is told once")
        withExtendedLifetime((one, two)) {}
    }

    @Test func `a stopped standby takes nothing`() throws {
        defer { loop.end() }
        var one = try SlotLock.take(1, in: directory.path)
        let found = Found()
        let seeker = seeker([1])
        seeker.seek { found.take($0) }
        seeker.stop()
        one = nil
        loop.advance(by: .seconds(1))
        #expect(found.count == 0)
        #expect(one == nil)
        #expect(try SlotLock.take(1, in: directory.path) != nil)
    }

    @Test func `a search begun anew replaces the one before: one process has one slot`() throws {
        defer { loop.end() }
        var held = [try SlotLock.take(1, in: directory.path), try SlotLock.take(2, in: directory.path)]
        let (first, second) = (Found(), Found())
        let seeker = seeker([1, 2])
        seeker.seek { first.take($0) }
        seeker.seek { second.take($0) }
        held = []
        loop.advance(by: .seconds(1))
        #expect(held.isEmpty)
        #expect(first.count == 0)
        #expect(second.lock?.number == 1)
        #expect(try SlotLock.take(2, in: directory.path) != nil, "it is left to others")
    }

    @Test func `a slot that is not wanted stays free, until it is`() throws {
        defer { loop.end() }
        var unwanted: Set = [1, 2]
        let found = Found()
        let seeker = seeker([1, 2])
        seeker.isWanted = { !unwanted.contains($0) }
        seeker.seek { found.take($0) }
        loop.advance(by: .seconds(10))
        #expect(found.count == 0)
        #expect(try SlotLock.take(1, in: directory.path) != nil)
        unwanted = [1]
        loop.advance(by: .milliseconds(20))
        #expect(found.lock?.number == 2)
    }

    @Test func `what waiting cannot mend is told`() throws {
        defer { loop.end() }
        let file = try directory.file("plain", "")
        let found = Found()
        seeker([1], file).seek { found.take($0) }
        #expect(found.failures.count == 1)
    }
}
