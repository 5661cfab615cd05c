import Bus
import Identity
import Logging
import NIOCore
import Registry
import Sylkrtc
import Telemetry

/// The loop's links to its workers: which there are, what they begin with, and what they report.
extension DoorLoop: WorkerLink.Delegate {
    /// A slot whose row is missing for this long is as good as given up. It is longer than any registry takes to be put
    /// back together, and as long as a slot must be deserted before others may give it up.
    static let rowPatience = TimeAmount.seconds(45)

    /// The slots there are, as the registry has them.
    func slotsChanged(_ rows: [SlotRow]) {
        weights = Dictionary(
            rows.map { ($0.slot, $0.draining ? 0 : $0.weight) }, uniquingKeysWith: { first, _ in first })
        for row in rows {
            missingSince[row.slot] = nil
            // A worker that gave up another's slot leaves the row without a place.
            guard !row.endpoint.isEmpty else {
                abandon(row.slot)
                continue
            }
            if let link = links[row.slot], link.endpoint == row.endpoint, !link.isClosed { continue }
            connect(row)
        }
        for slot in links.keys where weights[slot] == nil {
            let since = missingSince[slot] ?? loop.now
            missingSince[slot] = since
            if loop.now - since >= Self.rowPatience { abandon(slot) }
        }
    }

    private func connect(_ row: SlotRow) {
        let old = links[row.slot]
        if let old, !old.isClosed {
            old.close()
            linkLost(row.slot)
        }
        links[row.slot] = WorkerLink(
            row.slot, endpoint: row.endpoint, after: old?.number ?? 0, owner: id, network: network, loop: loop,
            logger: logger, delegate: self)
        statusChanged()
    }

    /// The closed link stays, for its number.
    private func abandon(_ slot: SlotID) {
        guard let link = links[slot], !link.isClosed else { return }
        logger.error("slot abandoned", metadata: .keyed([.slot: "\(slot)"]))
        link.close()
        owed[slot] = nil
        for connection in connections.values { connection.slotAbandoned(slot) }
        statusChanged()
    }

    // MARK: Sending

    func forward(
        _ request: WorkerRequest, _ sequence: RequestSequence, of connection: ConnectionID, to slot: SlotID,
        deadline: NIODeadline
    ) -> WorkerLink.Sending {
        let sending = links[slot]?.send(.request(request, sequence, of: connection, deadline: deadline)) ?? .noLink
        switch sending {
        case .sent: rest.requestSent()
        case .refused: metrics.links.sendRefused()
        case .noLink: break
        }
        return sending
    }

    /// Sent at once if that is possible, and owed until the worker has taken it.
    func release(_ session: SessionID, at slot: SlotID) {
        guard let link = links[slot], !link.isClosed else { return }
        let sending = link.sendOrGiveUp(.release(session))
        owed[slot, default: OwedReleases()].add(session, sentIn: sending == .sent ? link.lastSent : nil)
    }

    /// Without a link there is nothing to send: the next link's list does not contain the connection, and what is not in
    /// the list is released.
    func gone(_ connection: ConnectionID, from slot: SlotID) {
        _ = links[slot]?.sendOrGiveUp(.gone(connection))
    }

    func resync(_ link: WorkerLink) {
        let slot = link.slot
        let everybody = connections.values.sorted { $0.id.number < $1.id.number }
        for connection in everybody { connection.resyncBegan(at: slot) }
        var parts = ConnectionList.parts(
            sessions: everybody.flatMap { $0.entries(at: slot) }, releases: owed[slot]?.sessions ?? [])
        // The list comes first, even when there are only requests.
        if parts.isEmpty, !everybody.allSatisfy({ $0.owesNothing(to: slot) }) {
            parts = [ConnectionList(isLast: false)]
        }
        for part in parts { _ = link.send(.list(part)) }
        for connection in everybody { connection.repeatUnanswered(on: link) }
        _ = link.send(.list(ConnectionList()))
    }

    func begun(_ link: WorkerLink) {
        if let last = link.lastSent { owed[link.slot]?.listed(in: last) }
    }

    // MARK: Hearing

    func answered(
        _ connection: ConnectionID, _ sequence: RequestSequence, _ answer: WorkerAnswer, by slot: SlotID
    ) {
        rest.requestAnswered()
        guard connection.owner == id else { return }
        // It is being emptied, as the registry will say in a moment.
        if answer == .notOwner(slot) { weights[slot] = 0 }
        connections[connection.number]?.answered(sequence, answer, by: slot)
    }

    func told(_ session: SessionID, _ event: WorkerEvent, by slot: SlotID) {
        guard session.connection.owner == id else { return }
        connections[session.connection.number]?.told(session.request, event, by: slot)
    }

    func invited(_ connection: ConnectionID, _ invitation: Invitation) {
        guard connection.owner == id, let invited = connections[connection.number],
            takenInvitations.take(invitation, for: connection)
        else { return }
        invited.invited(invitation)
    }

    func resynced(_ session: SessionID, by slot: SlotID) {
        guard session.connection.owner == id else { return }
        connections[session.connection.number]?.resynced(session.request, by: slot)
    }

    func linkLost(_ slot: SlotID) {
        metrics.links.linkLost()
        owed[slot]?.linkLost()
        for connection in connections.values { connection.linkLost(slot) }
    }
}
