import Bus
import Identity
import Sylkrtc
import Testing

@testable import Worker

@Suite struct ResynchronizationTests {
    private let told = Told.publisher(ToldState(isAcked: true))

    @Test func `however many sessions a front door lists, each is told what it misses, on one link`() throws {
        try CoreWorld.run { world in
            let door = world.addDoor(frontdoorLoop(2))
            let count = UInt64(BusLimits.sendHighWaterMark)
            for number in 1...count {
                door.book.hold(SessionID(connection: connection(number, of: door.owner), request: sequence(1)), told)
            }
            try door.connect()
            world.settle()
            let said = door.transcript()
            #expect(said.count { $0.hasSuffix("terminated 500 Session lost") } == count)
            #expect(said.count { $0.hasSuffix("resynced") } == count)
            #expect(door.book.violations == [])
            #expect(door.hellos == 1 && door.losses == [])
        }
    }

    private func listing() -> Listing {
        var listing = Listing()
        for number in UInt64(1)...4 { listing.sessions[session(1, request: number)] = told }
        for number in UInt64(3)...6 {
            listing.requests.append(
                ListedRequest(
                    connection: connection(1), sequence: sequence(number * 10),
                    request: .terminate(session: sequence(number))))
        }
        listing.requests.append(
            ListedRequest(
                connection: connection(1), sequence: sequence(5), request: .releaseAccount(account("alice@example.com"))
            ))
        return listing
    }

    private func entries(_ left: inout Resynchronization) -> [UInt64] {
        var entries: [UInt64] = []
        while let entry = left.nextEntry() { entries.append(entry.session.request.rawValue) }
        return entries
    }

    private func requests(_ left: inout Resynchronization) -> [UInt64] {
        var requests: [UInt64] = []
        while let listed = left.nextRequest() { requests.append(listed.sequence.rawValue) }
        return requests
    }

    @Test func `what somebody waits for comes first, and what ends sessions last`() {
        var left = Resynchronization(listing())
        #expect(entries(&left) == [3, 4, 1, 2])
        #expect(requests(&left) == [50, 60, 5])
    }

    @Test func `what is given up before its turn is passed over`() {
        var left = Resynchronization(listing())
        #expect(left.nextEntry()?.session == session(1, request: 3))
        left.release(session(1, request: 4))
        left.release(session(1, request: 5))
        #expect(entries(&left) == [1, 2])
        #expect(requests(&left) == [60, 5])
        left = Resynchronization(listing())
        left.release(connection(1))
        #expect(entries(&left) == [])
        #expect(requests(&left) == [])
    }
}
