import Bus
import Identity
import NIOCore
import Sylkrtc
import Testing

@testable import Worker

/// The worker's end of the bus alone, and front doors that do as they are told.
final class LinksWorld {
    /// The worker behind the links.
    final class Recorder: FrontdoorLinks.Delegate {
        var lines: [String] = []
        var load = 0
        /// The last.
        private(set) var listing: Listing?
        var status: WorkerStatus { WorkerStatus(slot: slot, load: load, isJanusUp: true) }

        func received(_ request: WorkerRequest, from connection: ConnectionID, sequence: RequestSequence) {
            lines.append("request \(connection.number)/\(sequence)")
        }
        func released(_ session: SessionID) { lines.append("released \(session.connection.number)/\(session.request)") }
        func gone(_ connection: ConnectionID) { lines.append("gone \(connection.number)") }
        func listed(_ list: Listing, by owner: FrontdoorLoopID) {
            listing = list
            lines.append("\(owner.frontdoor) lists \(list.sessions.count)")
        }
        func lost(_ owner: FrontdoorLoopID) { lines.append("\(owner.frontdoor) lost") }

        func timerFired(at now: NIODeadline) {}

        func transcript() -> [String] {
            defer { lines = [] }
            return lines
        }
    }

    let loop = TestLoop()
    let network = InMemoryNetwork()
    let worker = Recorder()
    let links: FrontdoorLinks
    let door: ScriptedFrontdoor

    init(maximum: Int = LinkBounds.links) throws {
        links = FrontdoorLinks(
            incarnation: Incarnation(rawValue: 7), loop: loop, logger: silentLogger, maximum: maximum)
        links.delegate = worker
        try links.start(network, at: "w")
        door = ScriptedFrontdoor(frontdoor, network, at: "w", on: loop)
    }

    func anotherDoor(_ number: Int, incarnation: UInt64 = 100) -> ScriptedFrontdoor {
        ScriptedFrontdoor(frontdoorLoop(number, incarnation: incarnation), network, at: "w", on: loop)
    }

    /// With the first front door connected and listed.
    static func run(maximum: Int = LinkBounds.links, _ test: (LinksWorld) throws -> Void) throws {
        let world = try LinksWorld(maximum: maximum)
        defer {
            world.links.stop()
            world.loop.end()
        }
        try world.door.connect()
        world.loop.run()
        #expect(world.worker.transcript() == ["1 lists 0"])
        try test(world)
    }
}
