import Identity
import Logging
import NIOCore
import Registry
import Sylkrtc
import Telemetry

/// The invitations under way from this worker's rooms. Each request looks the invited accounts up in the registry and tells the
/// front doors that have them, whichever rooms those know. Confined to the worker's core loop.
final class Invitations {
    /// What is asked for.
    struct Order {
        let source: Invitation.Source
        let participants: [AddressOfRecord]
        let originator: Originator
        let room: RoomURI
    }

    private final class Delivery {
        var machine: InvitationStateMachine
        let order: Order
        let completion: (WorkerAnswer) -> Void
        var deadline: Scheduled<Void>?

        init(_ order: Order, _ targets: [ClaimedAccount], completion: @escaping (WorkerAnswer) -> Void) {
            machine = InvitationStateMachine(targets)
            self.order = order
            self.completion = completion
        }
    }

    private let possession: SlotPossession
    private let outbox: any Outbox
    private var deliveries: [Invitation.Source: Delivery] = [:]

    init(possession: SlotPossession, outbox: any Outbox) {
        self.possession = possession
        self.outbox = outbox
    }

    /// - Parameter completion: the answer, when everybody has been told who can be, ``Absences/grace`` after the registry's answer
    ///   at the latest.
    func invite(_ order: Order, logger: Logger, completion: @escaping (WorkerAnswer) -> Void) {
        let participants = order.participants
        possession.faults.before(.inviteResolve)
        possession.registry.submit(.read) { store throws(RegistryError) in
            try store.connections(for: participants)
        } then: { [self] result in
            possession.faults.after(.inviteResolve)
            guard possession.isHeld else { return }
            switch result {
            case .failure(let error):
                logger.error("nobody can be invited", metadata: .keyed([.error: "\(error)"]))
                completion(.error("the registry is not available"))
            case .success(let found):
                // The inviter's own connection is left out (D53).
                let targets = found.filter { $0.connection != order.source.connection }
                logger.info(
                    "participants invited",
                    metadata: .keyed([.value: "\(participants.count) accounts, \(targets.count) connections"]))
                deliver(Delivery(order, targets, completion: completion))
            }
        }
    }

    private func deliver(_ delivery: Delivery) {
        deliveries[delivery.order.source] = delivery
        let bound = NIOLoopBound((self, delivery), eventLoop: possession.loop)
        delivery.deadline = possession.loop.scheduleTask(in: Absences.grace) {
            let (invitations, delivery) = bound.value
            invitations.perform(delivery.machine.deadlinePassed(), of: delivery)
        }
        possession.faults.before(.inviteSend)
        perform(delivery.machine.began(isPresent: outbox.isPresent), of: delivery)
    }

    private func perform(_ actions: [InvitationStateMachine.Action], of delivery: Delivery) {
        guard possession.isHeld else { return }
        for action in actions {
            switch action {
            case .send(let targets, let owner): send(targets, to: owner, of: delivery)
            case .finish: finish(delivery)
            }
        }
    }

    private func send(_ targets: [ClaimedAccount], to owner: FrontdoorLoopID, of delivery: Delivery) {
        let order = delivery.order
        for target in targets {
            outbox.invite(
                target.connection,
                Invitation(
                    source: order.source, account: target.account, originator: order.originator, room: order.room))
        }
        possession.faults.after(.inviteSend)
        outbox.whenAcknowledged(by: owner) { [weak self, weak delivery] in
            guard let self, let delivery else { return }
            perform(delivery.machine.acknowledged(by: owner), of: delivery)
        }
    }

    private func finish(_ delivery: Delivery) {
        delivery.deadline?.cancel()
        deliveries[delivery.order.source] = nil
        possession.faults.before(.inviteAnswer)
        delivery.completion(.ack)
        possession.faults.after(.inviteAnswer)
    }

    // MARK: Links

    func linkUp(_ owner: FrontdoorLoopID) {
        for delivery in deliveries.values { perform(delivery.machine.linkUp(owner), of: delivery) }
    }

    func linkLost(_ owner: FrontdoorLoopID) {
        for delivery in deliveries.values { delivery.machine.linkLost(owner) }
    }

    /// What is unanswered comes again.
    func close() {
        for delivery in deliveries.values { delivery.deadline?.cancel() }
        deliveries = [:]
    }
}
