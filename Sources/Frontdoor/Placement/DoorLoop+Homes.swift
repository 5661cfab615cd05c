import Identity
import NIOCore
import Sylkrtc

/// Finding the worker on which a connection's registrations and calls live.
extension DoorLoop {
    /// A registration or a call on its way to a worker.
    struct HomeSearch {
        let request: RequestSequence
        /// Where the connection's others were; taken again if it can be.
        let preferred: SlotID?
        weak var connection: Connection?
        let since: NIODeadline

        var isWanted: Bool { connection?.isLocating(request) == true }
    }

    /// The answer goes to the connection.
    func findHome(for sequence: RequestSequence, preferring slot: SlotID?, of connection: Connection) {
        find(HomeSearch(request: sequence, preferred: slot, connection: connection, since: loop.now))
    }

    private func find(_ search: HomeSearch) {
        let candidates = links.values.filter(\.isServing).map {
            RoomPlacement.Candidate(slot: $0.slot, load: $0.load, weight: weights[$0.slot] ?? 0)
        }
        let preferred = candidates.first { $0.slot == search.preferred && $0.weight > 0 }?.slot
        if let slot = preferred ?? RoomPlacement.choose(among: candidates, using: &generator) {
            links[slot]?.notePlacement()
            search.connection?.located(search.request, at: slot)
            return
        }
        guard loop.now - search.since < Self.placementPatience else {
            search.connection?.notLocated(search.request, ConnectionStateMachine.noWorkerText)
            return
        }
        let bound = NIOLoopBound((self, search), eventLoop: loop)
        loop.scheduleTask(in: Self.placementInterval) {
            let (door, search) = bound.value
            if search.isWanted { door.find(search) }
        }
    }
}
