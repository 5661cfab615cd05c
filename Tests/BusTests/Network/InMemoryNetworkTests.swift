import Bus
import Identity
import NIOCore
import NIOEmbedded
import Testing

/// The faults that only the in-memory network can be asked for, on one embedded loop, and what the machines make of
/// them.
@Suite struct InMemoryNetworkTests {
    private let endpoint = "ipc:///worker"

    /// Both ends of one link as their shells would have them, reduced to what the machines decide.
    private final class Pair {
        let loop = EmbeddedEventLoop()
        let network = InMemoryNetwork()
        let id: RoutingID
        let start = NIODeadline.uptimeNanoseconds(0)
        var dealer: DealerLinkStateMachine
        var router: RouterLinkStateMachine
        var atDealer: [DealerLinkStateMachine.ReceiveAction] = []
        var atRouter: [RouterLinkStateMachine.ReceiveAction] = []
        var probes: [RouterLinkStateMachine.ProbeAction] = []
        private var routerSocket: (any RouterSocket)?
        private var dealerSocket: (any DealerSocket)?

        init(_ endpoint: String) throws {
            let id = try link(7)
            self.id = id
            dealer = DealerLinkStateMachine(frontdoor: id.owner.incarnation, link: id.link, openedAt: start)
            router = RouterLinkStateMachine(worker: Incarnation(rawValue: 200), peer: id)
            routerSocket = try network.bind(endpoint, on: loop) { [unowned self] _, message in
                guard message.readableBytes > 0 else {
                    let action = router.probed(at: start)
                    probes.append(action)
                    if action == .sendHello { toFrontdoor(.hello) }
                    return
                }
                var message = message
                guard let envelope = try? Envelope.decode(from: &message) else { return }
                atRouter.append(router.received(envelope, at: start))
            }
            dealerSocket = try network.connect(endpoint, as: id, on: loop) { [unowned self] message in
                var message = message
                guard let envelope = try? Envelope.decode(from: &message) else { return }
                let action = dealer.received(envelope, at: start)
                atDealer.append(action)
                if case .sendList = action { toWorker(.list) }
            }
            loop.run()
        }

        func toWorker(_ kind: MessageKind) {
            var buffer = ByteBuffer()
            dealer.stamp(kind).encode(into: &buffer)
            #expect(dealerSocket?.send(buffer) == .sent)
        }

        func toFrontdoor(_ kind: MessageKind) {
            var buffer = ByteBuffer()
            router.stamp(kind).encode(into: &buffer)
            #expect(routerSocket?.send(buffer, to: id) == .sent)
        }
    }

    @Test func `a link comes up by itself`() throws {
        let pair = try Pair(endpoint)
        #expect(pair.probes == [.sendHello])
        #expect(pair.atDealer == [.sendList(worker: Incarnation(rawValue: 200))])
        #expect(pair.atRouter == [.deliver])
        #expect(pair.dealer.isUp && pair.router.isUp)
    }

    @Test func `nothing moves before the loop does`() throws {
        let pair = try Pair(endpoint)
        pair.toWorker(.request)
        #expect(pair.atRouter.count == 1)
        pair.loop.run()
        #expect(pair.atRouter == [.deliver, .deliver])
    }

    @Test func `one lost message is a gap at the next, either way`() throws {
        var pair = try Pair(endpoint)
        pair.network.dropNext(.toWorker, pair.id, at: endpoint)
        for _ in 0..<3 { pair.toWorker(.request) }
        pair.loop.run()
        #expect(
            pair.atRouter == [.deliver, .giveUp(.gap(expected: 2, received: 3)), .discard(.linkDead)])

        pair = try Pair(endpoint)
        pair.network.dropNext(.toFrontdoor, pair.id, at: endpoint)
        for _ in 0..<3 { pair.toFrontdoor(.event) }
        pair.loop.run()
        #expect(pair.atDealer.dropFirst() == [.giveUp(.gap(expected: 2, received: 3)), .discard(.linkDead)])
    }

    @Test func `a doubled message is a gap, too`() throws {
        let pair = try Pair(endpoint)
        pair.network.duplicateNext(.toFrontdoor, pair.id, at: endpoint)
        pair.toFrontdoor(.answer)
        pair.loop.run()
        #expect(pair.atDealer.dropFirst() == [.deliver, .giveUp(.gap(expected: 3, received: 2))])
    }

    @Test func `a cut link is silent while both ends believe in it`() throws {
        let pair = try Pair(endpoint)
        pair.network.cut(pair.id, at: endpoint)
        pair.toWorker(.heartbeat)
        pair.toFrontdoor(.heartbeat)
        pair.loop.run()
        #expect(pair.atRouter == [.deliver])
        #expect(pair.atDealer.count == 1)
        #expect(pair.dealer.timerFired(at: pair.start + .seconds(3)) == .giveUp(.silent))
        #expect(pair.router.timerFired(at: pair.start + .seconds(3)) == .giveUp(.silent))
    }

    @Test func `a mended link has lost what was under way`() throws {
        let pair = try Pair(endpoint)
        pair.network.cut(pair.id, at: endpoint)
        pair.toWorker(.request)
        pair.network.mend(pair.id, at: endpoint)
        pair.toWorker(.request)
        pair.loop.run()
        #expect(pair.atRouter == [.deliver, .giveUp(.gap(expected: 2, received: 3))])
    }

    @Test func `a connection made anew is a loss at the worker`() throws {
        let pair = try Pair(endpoint)
        pair.network.reconnect(pair.id, at: endpoint)
        pair.loop.run()
        #expect(pair.probes == [.sendHello, .giveUp(.reconnected)])
    }
}
