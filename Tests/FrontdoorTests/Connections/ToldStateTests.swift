import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct ToldStateTests {
    @Test func `States only advance, and terminated is the last`() {
        var told = ToldState()
        #expect(told.stage == .nothing && !told.isAcked)
        told.apply(.acked)
        told.apply(.state(.established))
        told.apply(.state(.progress))
        told.apply(.state(.accepted(answer: sdp("answer"))))
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
        told.apply(.initialPublishers([client("a"), client("b")]))
        told.apply(.joined([client("c"), client("a")]))
        told.apply(.left([client("b"), client("z")]))
        #expect(told.announced == [client("a"), client("c")])
    }
}
