import Dispatch
import Foundation
import Identity
import NIOConcurrencyHelpers
import Testing

@testable import Registry

struct DiskFullTests {
    @Test func `When a commit fails everybody in it hears so, and when there is room again it goes on`() async {
        // In a process of its own: the limit on the size of files holds for the whole process.
        await #expect(processExitsWith: .success) {
            signal(SIGXFSZ, SIG_IGN)
            let directory = TemporaryDirectory()
            let path = directory.registry
            let thread = RegistryThread(label: "registry", logger: .silent) { () throws(RegistryError) in
                try SQLiteRegistryStore(path: path)
            }
            let place = try slot(1)
            let owner = try await thread.perform { store throws(RegistryError) in try store.take(place) }
            let (small, large) = (claim(try uri("small"), by: owner), try large(owner))

            let outcomes = NIOLockedValueBox<[Bool]>([])
            let release = DispatchSemaphore(value: 0)
            await withCheckedContinuation { held in
                thread.submit(.read) { _ in
                    held.resume()
                    release.wait()
                } completion: { _ in
                }
            }
            for row in [small, large] {
                thread.submit { store throws(RegistryError) in
                    try store.claimRoom(row)
                } completion: { outcome in
                    outcomes.withLockedValue { $0.append(outcome == .success(.claimed)) }
                }
            }
            limitFiles(to: 200_000)
            release.signal()
            let lost = NIOLockedValueBox<RegistryError?>(nil)
            do throws(RegistryError) {
                _ = try await thread.perform { store throws(RegistryError) in try store.claimRoom(large) }
            } catch {
                lost.withLockedValue { $0 = error }
            }
            #expect(lost.withLockedValue { $0 } != nil)
            #expect(outcomes.withLockedValue { $0 } == [false, false])

            limitFiles(to: nil)
            let rooms = try await thread.perform { store throws(RegistryError) in
                let rooms = try store.rooms(of: place)
                _ = try store.claimRoom(large)
                return rooms
            }
            #expect(rooms.isEmpty)
            thread.stop()
            #expect(try SQLiteRegistryStore(path: path).rooms(of: place).count == 1)
        }
    }
}

private func large(_ owner: RoomOwner) throws -> RoomRow {
    var row = claim(try uri("large"), by: owner)
    row.configuration = String(repeating: "x", count: 1 << 20)
    return row
}

/// - Parameter size: in bytes; nil lifts the limit.
private func limitFiles(to size: UInt64?) {
    var limit = rlimit()
    #expect(getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
    limit.rlim_cur = size.map { rlim_t($0) } ?? limit.rlim_max
    #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
}
