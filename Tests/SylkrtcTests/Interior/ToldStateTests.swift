import Identity
import JSONText
import Sylkrtc
import Testing

@Suite struct ToldStateTests {
    @Test func `States only advance, and terminated is the last`() {
        var told = ToldState()
        #expect(told.stage == .nothing && !told.isAcked)
        told.apply(.acked)
        told.apply(.state(.established))
        told.apply(.state(.progress))
        told.apply(.state(.accepted(answer: SessionDescription(RawJSON(string: "answer")))))
        #expect(told.isAcked && told.stage == .established)
        told.apply(.state(.terminated(reason: nil)))
        told.apply(.state(.established))
        #expect(told.stage == .terminated)
        #expect(told.stage > .established)
    }

    @Test func `An empty list of publishers has been told, too`() {
        var told = ToldState()
        #expect(!told.hasInitialPublishers)
        told.apply(.initialPublishers([]))
        #expect(told.hasInitialPublishers && told.announced.isEmpty)
    }

    @Test func `Who is announced are those told as there and not yet as gone`() {
        var told = ToldState()
        told.apply(.initialPublishers([publisher("a", 1), publisher("b", 2)]))
        told.apply(.joined([publisher("c", 3), publisher("a", 1)]))
        told.apply(.left([name("b"), name("z")]))
        #expect(told.announced == [name("a"): PublisherID(rawValue: 1), name("c"): PublisherID(rawValue: 3)])
    }

    @Test func `A name that is taken again stands for somebody else`() {
        var told = ToldState()
        told.apply(.initialPublishers([publisher("a", 1)]))
        told.apply(.left([name("a")]))
        told.apply(.joined([publisher("a", 2)]))
        #expect(told.announced == [name("a"): PublisherID(rawValue: 2)])
    }

    @Test func `How the room is configured is the change that was told last`() {
        var told = ToldState()
        #expect(told.configuration == nil)
        told.apply(.configured(3))
        told.apply(.configured(4))
        #expect(told.configuration == 4)
    }

    @Test func `A long list goes out in parts, and nothing of it is lost`() throws {
        let connection = try #require(ConnectionID("f1.abc.0.7"))
        func id(_ number: UInt64) -> SessionID {
            SessionID(connection: connection, request: RequestSequence(rawValue: number))
        }
        var told = ToldState()
        told.apply(.initialPublishers((0..<700).map { publisher("p\($0)", UInt64($0)) }))
        let entries = (1...10).map { ConnectionList.Entry(session: id($0), told: .publisher(told)) }
        let releases = (1...4500).map { id(UInt64($0)) }
        let parts = ConnectionList.parts(sessions: entries, releases: releases)
        #expect(parts.flatMap(\.sessions) == entries && parts.flatMap(\.releases) == releases)
        #expect(parts.allSatisfy { !$0.isLast && $0.encoded.count < 1 << 19 })
        #expect(ConnectionList.parts(sessions: [], releases: []).isEmpty)
    }

    private func name(_ text: String) -> ClientSessionID {
        guard let name = ClientSessionID(text) else { preconditionFailure("not a session") }
        return name
    }

    private func publisher(_ text: String, _ number: UInt64) -> Publisher {
        guard let account = AddressOfRecord("bob@b") else { preconditionFailure("not an address") }
        return Publisher(id: PublisherID(rawValue: number), session: name(text), account: account, displayName: "")
    }
}
