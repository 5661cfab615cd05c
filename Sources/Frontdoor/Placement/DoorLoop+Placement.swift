import Identity
import Logging
import NIOCore
import Registry
import Telemetry

/// Finding the worker of a room, or one for it.
extension DoorLoop {
    /// How long a join for a new room waits when no worker serves. A room that has a worker waits for that one as long as
    /// the join's own deadline lets it: it is being replaced, and nobody else may have the room meanwhile.
    static let placementPatience = TimeAmount.seconds(5)
    static let placementInterval = TimeAmount.milliseconds(100)

    /// A join on its way to a worker.
    struct RoomSearch {
        let room: RoomURI
        let join: RequestSequence
        weak var connection: Connection?
        /// Since when the room is nobody's, and nobody serves.
        var unservedSince: NIODeadline?

        /// The client is still there, and its join neither answered nor sent.
        var isWanted: Bool { connection?.isLocating(join) == true }
    }

    /// The answer goes to the connection.
    func locate(_ room: RoomURI, for sequence: RequestSequence, of connection: Connection) {
        locate(RoomSearch(room: room, join: sequence, connection: connection))
    }

    private func locate(_ search: RoomSearch) {
        let room = search.room
        registry.submit(.read) { store throws(RegistryError) in
            try store.room(room)
        } then: { [self] result in
            guard search.isWanted else { return }
            switch result {
            case .failure(let error):
                logger.error("rooms cannot be found", metadata: .keyed([.room: "\(room)", .error: "\(error)"]))
                search.connection?.notLocated(search.join, "the registry is not available")
            case .success(let row?) where links[row.owner.slot]?.isServing == true:
                search.connection?.located(search.join, at: row.owner.slot)
            case .success(.some):
                // Its worker is being replaced: the room is where it was, or gone, in a moment.
                var search = search
                search.unservedSince = nil
                again(search)
            case .success(nil): place(search)
            }
        }
    }

    private func place(_ search: RoomSearch) {
        let candidates = links.values.filter(\.isServing).map {
            RoomPlacement.Candidate(slot: $0.slot, load: $0.load, weight: weights[$0.slot] ?? 0)
        }
        if let slot = RoomPlacement.choose(among: candidates, using: &generator) {
            links[slot]?.notePlacement()
            search.connection?.located(search.join, at: slot)
            return
        }
        var search = search
        let since = search.unservedSince ?? loop.now
        guard loop.now - since < Self.placementPatience else {
            search.connection?.notLocated(search.join, ConnectionStateMachine.noWorkerText)
            return
        }
        search.unservedSince = since
        again(search)
    }

    private func again(_ search: RoomSearch) {
        let bound = NIOLoopBound((self, search), eventLoop: loop)
        loop.scheduleTask(in: Self.placementInterval) {
            let (door, search) = bound.value
            if search.isWanted { door.locate(search) }
        }
    }
}
