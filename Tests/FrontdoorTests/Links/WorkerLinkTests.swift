import Bus
import Identity
import NIOCore
import NIOEmbedded
import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct WorkerLinkTests {
    /// A link, the worker at its other end, and who is told what the link reports.
    private final class Pair: WorkerLink.Delegate {
        enum Report: Equatable {
            case answered(ConnectionID, RequestSequence, WorkerAnswer, SlotID)
            case told(SessionID, WorkerEvent, SlotID)
            case changed
            case invited(ConnectionID, Invitation)
            case resynced(SessionID, SlotID)
            case lost(SlotID)
        }

        let loop = EmbeddedEventLoop()
        let network = InMemoryNetwork()
        let worker: ScriptedWorker
        private(set) var link: WorkerLink?
        var sessions: [SessionID] = []
        /// The list is too long for a message.
        var isListTooLong = false
        /// How many requests are repeated behind it.
        var repeats: UInt64 = 0
        /// How often all that the link begins with had left.
        private(set) var begins = 0
        private var reports: [Report] = []

        /// - Parameter isThere: whether the worker listens from the beginning.
        init(isThere: Bool = true) throws {
            worker = try ScriptedWorker(slot(1), network, on: loop)
            if !isThere { worker.die() }
            link = WorkerLink(
                slot(1), endpoint: worker.endpoint, owner: .test, network: network, loop: loop, logger: .silent,
                delegate: self)
            loop.run()
        }

        func taken() -> [Report] {
            loop.run()
            defer { reports = [] }
            return reports
        }

        func pass(_ time: TimeAmount, isBeating: Bool = false) {
            loop.advanceTime(by: time)
            if isBeating { worker.beat() }
            loop.run()
            link?.timerFired(at: loop.now)
            loop.run()
        }

        func resync(_ link: WorkerLink) {
            let told = Told.publisher(ToldState())
            let releases = isListTooLong ? (1...60_000).map { SessionID.test($0) } : []
            let list = ConnectionList(
                sessions: sessions.map { ConnectionList.Entry(session: $0, told: told) }, releases: releases)
            #expect(link.send(.list(list)) == .sent)
            for number in 0..<repeats { #expect(link.send(.asking(number, isRepeat: true)) == .sent) }
        }

        func begun(_ link: WorkerLink) {
            #expect(link.lastSent != nil)
            begins += 1
        }

        func resynced(_ session: SessionID, by slot: SlotID) { reports.append(.resynced(session, slot)) }

        func answered(
            _ connection: ConnectionID, _ sequence: RequestSequence, _ answer: WorkerAnswer, by slot: SlotID
        ) {
            reports.append(.answered(connection, sequence, answer, slot))
        }

        func told(_ session: SessionID, _ event: WorkerEvent, by slot: SlotID) {
            reports.append(.told(session, event, slot))
        }

        func invited(_ connection: ConnectionID, _ invitation: Invitation) {
            reports.append(.invited(connection, invitation))
        }

        func statusChanged() { reports.append(.changed) }

        func linkLost(_ slot: SlotID) { reports.append(.lost(slot)) }
    }

    /// A pair whose link is up and has reported so.
    private func pair() throws -> (Pair, WorkerLink) {
        let pair = try Pair()
        let link = try #require(pair.link)
        #expect(pair.taken() == [.changed])
        #expect(pair.worker.taken().map(\.kind) == [.list])
        #expect(link.isServing)
        return (pair, link)
    }

    private let lost: [Pair.Report] = [.lost(slot(1)), .changed]

    // MARK: Invitations

    @Test func `An invitation is taken and acknowledged at once, because somebody waits for that`() throws {
        let (pair, _) = try pair()
        for number in UInt64(1)...3 { pair.worker.invite(.test, .test(by: number)) }
        #expect(pair.taken() == (1...3).map { .invited(.test, .test(by: $0)) })
        #expect(pair.worker.heartbeats == 1, "one for what came together")
        pair.worker.send(.invitation, Array("{}".utf8), .test)
        #expect(pair.taken().starts(with: lost), "what makes no sense costs the link")
    }

    // MARK: Coming up

    @Test func `The hello is answered with the list of this loop's sessions, and then the worker serves`() throws {
        let pair = try Pair(isThere: false)
        pair.sessions = [.test(1), .test(4)]
        #expect(pair.link?.isServing == false)
        #expect(pair.taken().isEmpty)
        try pair.worker.start()
        #expect(pair.taken() == [.changed])
        let heard = pair.worker.taken()
        #expect(heard.map(\.kind) == [.list])
        let list = try ConnectionList.decode(Array((heard.first?.body ?? "").utf8))
        #expect(list.sessions.map(\.session) == [.test(1), .test(4)])
        #expect(pair.link?.isServing == true)
        #expect(pair.worker.isLinked)
    }

    @Test func `Before the hello nothing can be sent`() throws {
        let pair = try Pair(isThere: false)
        let link = try #require(pair.link)
        #expect(link.send(.asking(1)) == .noLink)
        #expect(link.sendOrGiveUp(.gone(.test)) == .noLink)
        #expect(link.isDrained)
        try pair.worker.start()
        #expect(pair.taken() == [.changed])
        #expect(pair.worker.taken().map(\.kind) == [.list])
    }

    @Test func `Without a hello for five seconds a fresh socket is tried`() throws {
        let pair = try Pair(isThere: false)
        pair.pass(.milliseconds(4999))
        pair.pass(.milliseconds(1))
        #expect(pair.taken().isEmpty, "a worker that is not there yet is no loss")
        try pair.worker.start()
        #expect(pair.taken() == [.changed])
        #expect(pair.worker.link?.link == 2)
    }

    @Test(arguments: [#"{"slot":"host1/2","load":0,"janus":true}"#, "{}", ""])
    func `Another slot than the one that was called is not spoken with`(status: String) throws {
        let pair = try Pair(isThere: false)
        pair.worker.statusBody = Array(status.utf8)
        try pair.worker.start()
        #expect(pair.taken().isEmpty)
        #expect(pair.link?.isServing == false)
        #expect(!pair.worker.taken().contains { $0.kind == .list })
        pair.worker.statusBody = nil
        pair.pass(.milliseconds(4999))
        #expect(pair.taken().isEmpty)
        pair.pass(.milliseconds(1))
        #expect(pair.taken() == [.changed], "it is tried again, in good time")
        #expect(pair.worker.link?.link == 2)
    }

    @Test func `However much a link begins with, it leaves at the worker's pace, and what comes meanwhile behind it`()
        throws
    {
        let pair = try Pair(isThere: false)
        let link = try #require(pair.link)
        let count = UInt64(BusLimits.sendHighWaterMark) * 2
        pair.repeats = count
        pair.worker.isDeaf = true
        try pair.worker.start()
        #expect(pair.taken() == [.changed])
        #expect(pair.worker.taken().count == Int(BusLimits.windowMessages), "no more than that before it is taken")
        #expect(pair.begins == 0 && link.lastSent == nil && !link.isDrained)
        #expect(link.send(.gone(.test)) == .sent)
        #expect(link.send(.asking(count)) == .sent)
        pair.worker.isDeaf = false
        pair.worker.beat()
        #expect(pair.taken().isEmpty)
        let heard = pair.worker.taken()
        #expect(heard.suffix(2).map(\.kind) == [.gone, .request])
        #expect(
            heard.compactMap(\.request?.rawValue) == Array(BusLimits.windowMessages - 1...count),
            "in order, and none twice")
        #expect(pair.begins == 1 && link.lastSent != nil)
    }

    @Test func `Behind what a link begins with only so much may wait`() throws {
        let pair = try Pair(isThere: false)
        let link = try #require(pair.link)
        pair.repeats = 1000
        pair.worker.isDeaf = true
        try pair.worker.start()
        pair.loop.run()
        for number in 0..<UInt64(LinkOpening.maximumBehind) { #expect(link.send(.asking(number)) == .sent) }
        #expect(link.send(.asking(1)) == .refused)
        #expect(pair.taken() == [.changed])
        #expect(link.sendOrGiveUp(.release(.test(1))) == .noLink)
        #expect(pair.taken() == lost + [.changed])
    }

    @Test func `Whoever only hears says now and then what was taken`() throws {
        let (pair, _) = try pair()
        for number in UInt64(1)...BusLimits.acknowledgedMessages { pair.worker.answer(request(number), of: .test) }
        _ = pair.taken()
        #expect(pair.worker.heartbeats == 1)
    }

    // MARK: Speaking

    @Test func `Requests carry their connection, their number and their deadline`() throws {
        let (pair, link) = try pair()
        let body = WorkerRequest.trickling(2).encoded
        let deadline = pair.loop.now + .milliseconds(12_345)
        #expect(link.send(.asking(7, until: deadline)) == .sent)
        #expect(link.send(.asking(7, until: deadline, isRepeat: true)) == .sent)
        pair.loop.advanceTime(by: .seconds(13))
        #expect(link.send(.asking(8, until: deadline)) == .sent)
        pair.loop.run()
        let heard = pair.worker.taken()
        #expect(heard.map(\.connection) == [.test, .test, .test])
        #expect(heard.map(\.short) == ["request 7", "request 7 again", "request 8"])
        #expect(heard.map(\.body) == Array(repeating: String(decoding: body, as: UTF8.self), count: 3))
        #expect(heard.map(\.deadline) == [12_345, 12_345, 0])
    }

    @Test func `Releases and goodbyes are sent`() throws {
        let (pair, link) = try pair()
        #expect(link.sendOrGiveUp(.release(.test(3))) == .sent)
        #expect(link.sendOrGiveUp(.gone(.test)) == .sent)
        pair.loop.run()
        #expect(
            pair.worker.taken()
                == [
                    ScriptedWorker.Heard(kind: .release, connection: .test, request: request(3), body: ""),
                    ScriptedWorker.Heard(kind: .gone, connection: .test, request: nil, body: ""),
                ])
    }

    @Test func `Answers and events are reported with their worker`() throws {
        let (pair, _) = try pair()
        pair.worker.answer(request(7), of: .test, .error("no"))
        pair.worker.tell(.test(3), .publishersLeft([client("pub-b")]))
        pair.worker.answer(request(8), of: .test, .notOwner(slot(2)))
        #expect(
            pair.taken()
                == [
                    .answered(.test, request(7), .error("no"), slot(1)),
                    .told(.test(3), .publishersLeft([client("pub-b")]), slot(1)),
                    .answered(.test, request(8), .notOwner(slot(2)), slot(1)),
                ])
    }

    @Test func `What names nobody is passed over`() throws {
        let (pair, link) = try pair()
        pair.worker.send(.answer, WorkerAnswer.ack.encoded, .test)
        pair.worker.send(.event, WorkerEvent.state(.progress).encoded, nil, request(1))
        pair.worker.send(.resynced, [], .test)
        pair.worker.send(.resynced, [], nil, request(1))
        #expect(pair.taken().isEmpty)
        #expect(link.isServing)
    }

    @Test func `A session that is up to date again is reported`() throws {
        let (pair, _) = try pair()
        pair.worker.resynced(.test(3))
        #expect(pair.taken() == [.resynced(.test(3), slot(1))])
    }

    // MARK: Heartbeats

    @Test func `A heartbeat goes out every half second`() throws {
        let (pair, _) = try pair()
        for _ in 0..<8 { pair.pass(.milliseconds(250), isBeating: true) }
        #expect(pair.worker.heartbeats == 4)
    }

    @Test func `A worker's heartbeat tells its load, and whether Janus is up`() throws {
        let (pair, link) = try pair()
        pair.worker.load = 7
        pair.worker.beat()
        #expect(pair.taken().isEmpty, "the load alone changes nothing for clients")
        #expect(link.load == 7)
        pair.worker.isJanusUp = false
        pair.worker.beat()
        #expect(pair.taken() == [.changed])
        #expect(!link.isServing)
        #expect(
            link.send(.asking(1)) == .sent, "requests are its own business")
        pair.worker.isJanusUp = true
        pair.worker.beat()
        pair.worker.beat()
        #expect(pair.taken() == [.changed])
    }

    @Test func `Rooms placed there count until the worker has counted itself`() throws {
        let (pair, link) = try pair()
        link.notePlacement()
        link.notePlacement()
        #expect(link.load == 2)
        pair.worker.load = 1
        pair.worker.beat()
        _ = pair.taken()
        #expect(link.load == 1 && link.placed == 0)
    }

    @Test func `A heartbeat that cannot be read changes nothing`() throws {
        let (pair, link) = try pair()
        pair.worker.statusBody = Array("{}".utf8)
        pair.worker.beat()
        #expect(pair.taken().isEmpty)
        #expect(link.isServing)
    }

    @Test func `A link is drained when the worker has taken everything`() throws {
        let (pair, link) = try pair()
        _ = link.send(.asking(1))
        pair.loop.run()
        #expect(!link.isDrained)
        pair.worker.beat()
        pair.loop.run()
        #expect(link.isDrained)
    }

    // MARK: Losses

    @Test func `A worker replaced under the socket is lost, and its successor gets a link of its own`() throws {
        let (pair, link) = try pair()
        pair.sessions = [.test(1)]
        try pair.worker.isReplaced()
        #expect(pair.taken() == lost + [.changed])
        #expect(link.isServing)
        #expect(pair.worker.link?.link == 2)
        #expect(pair.worker.taken().map(\.kind) == [.list])
    }

    @Test func `Three seconds of silence are a loss`() throws {
        let (pair, link) = try pair()
        for _ in 0..<11 { pair.pass(.milliseconds(250)) }
        #expect(pair.taken().isEmpty)
        pair.pass(.milliseconds(250))
        #expect(pair.taken() == lost + [.changed], "this worker is there all the same, and says hello to the next link")
        #expect(link.isServing)
        #expect(pair.worker.link?.link == 2)
    }

    @Test func `Any message breaks the silence`() throws {
        let (pair, _) = try pair()
        for number in UInt64(1)...4 {
            pair.pass(.milliseconds(2900))
            pair.worker.answer(request(number), of: .test)
        }
        #expect(pair.taken().count == 4)
    }

    @Test func `A dead worker is lost once, and the link waits for the next`() throws {
        let (pair, link) = try pair()
        pair.worker.die()
        for _ in 0..<100 { pair.pass(.milliseconds(250)) }
        #expect(pair.taken() == lost)
        #expect(!link.isServing && link.status == nil && link.load == 0)
        #expect(link.send(.asking(1)) == .noLink)
        try pair.worker.isReplaced()
        #expect(pair.taken() == [.changed])
        #expect(link.isServing)
    }

    @Test func `A request that meets no connection shows that the worker is gone, before the silence does`() throws {
        let (pair, link) = try pair()
        pair.worker.die()
        #expect(link.send(.asking(7)) == .noLink)
        #expect(pair.taken() == lost)
        try pair.worker.isReplaced()
        #expect(pair.taken() == [.changed])
    }

    @Test func `A list that does not leave gives the link up`() throws {
        let pair = try Pair(isThere: false)
        let link = try #require(pair.link)
        pair.isListTooLong = true
        try pair.worker.start()
        #expect(pair.taken() == lost)
        #expect(!link.isServing)
        pair.isListTooLong = false
        pair.pass(.milliseconds(4999))
        #expect(pair.taken().isEmpty)
        pair.pass(.milliseconds(1))
        #expect(pair.taken() == [.changed], "it is tried again, in good time")
        #expect(pair.worker.link?.link == 2)
    }

    @Test func `A link to the same slot counts on from the one before`() throws {
        let (pair, link) = try pair()
        link.close()
        #expect(pair.taken().isEmpty, "whoever closes it knows")
        let next = WorkerLink(
            slot(1), endpoint: pair.worker.endpoint, after: link.number, owner: .test, network: pair.network,
            loop: pair.loop, logger: .silent, delegate: pair)
        #expect(pair.taken() == [.changed])
        #expect(next.isServing && pair.worker.link?.link == 2)
    }

    @Test func `A message that is missing kills the link, and nothing behind it counts`() throws {
        let (pair, _) = try pair()
        pair.worker.loseNext()
        pair.worker.answer(request(1), of: .test)
        pair.worker.answer(request(2), of: .test)
        pair.worker.tell(.test(1), .state(.established))
        #expect(pair.taken() == lost + [.changed])
    }

    @Test func `A message that comes twice kills the link`() throws {
        let (pair, _) = try pair()
        let id = try #require(pair.worker.link)
        pair.network.duplicateNext(.toFrontdoor, id, at: pair.worker.endpoint)
        pair.worker.answer(request(1), of: .test)
        #expect(pair.taken() == [.answered(.test, request(1), .ack, slot(1))] + lost + [.changed])
    }

    @Test func `A connection that broke and came back is a new link`() throws {
        let (pair, link) = try pair()
        let id = try #require(pair.worker.link)
        pair.network.reconnect(id, at: pair.worker.endpoint)
        #expect(pair.taken() == lost + [.changed])
        #expect(link.isServing)
    }

    @Test(arguments: [MessageKind.answer, .event])
    func `A worker that cannot be understood is given up`(kind: MessageKind) throws {
        let (pair, _) = try pair()
        pair.worker.send(kind, Array("{}".utf8), .test, request(1))
        #expect(pair.taken() == lost + [.changed])
    }

    @Test func `What a newer worker says beyond what is known is passed over, and the rest is heard`() throws {
        let (pair, link) = try pair()
        pair.worker.send(.unrecognized, Array("{}".utf8), .test, request(1))
        pair.worker.send(.event, Array(#"{"event":"dancing","steps":3}"#.utf8), .test, request(1))
        pair.worker.send(.answer, Array(#"{"answer":"maybe"}"#.utf8), .test, request(2))
        pair.worker.answer(request(3), of: .test)
        #expect(
            pair.taken() == [
                .answered(.test, request(2), .error("internal error"), slot(1)),
                .answered(.test, request(3), .ack, slot(1)),
            ], "whoever waits for an answer gets one")
        #expect(link.isServing)
    }

    @Test(arguments: [MessageKind.request, .release, .gone])
    func `A worker that speaks like a front door is given up`(kind: MessageKind) throws {
        let (pair, _) = try pair()
        pair.worker.send(kind, [], .test, request(1))
        #expect(pair.taken() == lost + [.changed])
    }

    @Test(arguments: [[0x10], [0x20, 0, 0, 0], [UInt8](repeating: 0x10, count: 200)])
    func `What is no message at all is a loss`(bytes: [UInt8]) throws {
        let (pair, _) = try pair()
        pair.worker.sendNonsense(bytes)
        #expect(pair.taken() == lost + [.changed])
    }

    @Test func `A link that takes no more refuses requests, and is given up when something must not be lost`() throws {
        let (pair, link) = try pair()
        var sent = 0
        while link.send(.asking(1)) == .sent { sent += 1 }
        #expect(sent == Int(BusLimits.sendHighWaterMark))
        #expect(link.isServing)
        #expect(link.send(.asking(1)) == .refused)
        #expect(link.sendOrGiveUp(.release(.test(1))) == .noLink)
        #expect(!link.isServing)
        #expect(pair.taken() == lost + [.changed])
        #expect(link.isServing)
    }

    @Test func `A refused message leaves no gap`() throws {
        let (pair, link) = try pair()
        while link.send(.asking(1)) == .sent {}
        pair.loop.run()
        #expect(pair.worker.taken().count == Int(BusLimits.sendHighWaterMark))
        #expect(link.send(.asking(2)) == .sent)
        pair.loop.run()
        #expect(pair.worker.taken().map(\.request) == [request(2)])
    }

    @Test func `A closed link neither speaks nor hears`() throws {
        let (pair, link) = try pair()
        link.close()
        pair.worker.answer(request(1), of: .test)
        #expect(pair.taken().isEmpty)
        #expect(link.send(.asking(1)) == .noLink)
        #expect(link.isDrained && !link.isServing && link.isClosed)
        pair.pass(.seconds(10))
        #expect(pair.taken().isEmpty)
    }
}
