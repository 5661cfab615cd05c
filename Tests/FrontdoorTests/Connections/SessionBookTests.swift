import Identity
import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct SessionBookTests {
    private func book() -> SessionBook {
        var book = SessionBook()
        book.addPublisher(request(1), called: client("pub-a"), account: account(alice))
        book.addFeed(request(2), called: client("sub-1"), of: request(1))
        book.place(request(1), at: slot(1))
        book.addPublisher(request(3), called: client("pub-b"), account: account(bob))
        book.place(request(3), at: slot(2))
        book.addPublisher(request(4), called: client("pub-c"), account: account(alice))
        return book
    }

    @Test func `A session is found by its request and by its name`() {
        let book = book()
        #expect(book.count == 4)
        #expect(book[request(2)]?.client == client("sub-1"))
        #expect(book.sequence(called: "pub-b") == request(3))
        #expect(book.contains("pub-c") && !book.contains("pub-d"))
        #expect(book[request(9)] == nil && book.sequence(called: "") == nil)
    }

    @Test func `Publishers and feeds are told apart`() {
        let book = book()
        #expect(book.publisher(called: "pub-a")?.0 == request(1))
        #expect(book.publisher(called: "sub-1") == nil)
        #expect(book.feed(called: "sub-1", of: "pub-a") == request(2))
        #expect(book.feed(called: "sub-1", of: "pub-b") == nil)
        #expect(book.feed(called: "sub-1", of: "sub-1") == nil)
        #expect(book.feed(called: "pub-a", of: "pub-a") == nil)
    }

    @Test func `Sessions are listed by worker and by account`() {
        let book = book()
        #expect(book.slots == [slot(1), slot(2)])
        #expect(book.all(at: slot(1)) == [request(1), request(2)])
        #expect(book.all(at: slot(3)).isEmpty)
        #expect(book.slots(of: account(alice)) == [slot(1)])
        #expect(book.slots(of: account(bob)) == [slot(2)])
        #expect(book.unplaced(of: account(alice)) == [request(4)])
        #expect(book.unplaced(of: account(bob)).isEmpty)
        #expect(book.all(of: account(alice), before: request(4)) == [request(1), request(2)])
    }

    @Test func `D48 Removing a publisher removes its feeds, removing a feed nothing else`() {
        var book = book()
        #expect(book.remove(request(2)) == [request(2)])
        #expect(book.contains("pub-a"))
        book.addFeed(request(5), called: client("sub-2"), of: request(1))
        #expect(book.remove(request(1)) == [request(1), request(5)])
        #expect(book.remove(request(1)).isEmpty)
        #expect(!book.contains("pub-a") && !book.contains("sub-2") && book.contains("pub-b"))
    }

    @Test func `A feed lives where its base does, and follows it`() {
        var book = book()
        book.addFeed(request(5), called: client("sub-5"), of: request(4))
        #expect(book.family(of: request(4)) == [request(4), request(5)])
        #expect(book[request(5)]?.slot == nil)
        book.place(request(4), at: slot(3))
        #expect(book.all(at: slot(3)) == [request(4), request(5)])
        book.place(request(4), at: nil)
        #expect(book.all(at: slot(3)).isEmpty && book.unplaced(of: account(alice)) == [request(4)])
        book.addFeed(request(6), called: client("sub-6"), of: request(9))
        #expect(book[request(6)] == nil, "a feed of nothing")
    }

    @Test func `A worker is known for good when the join is acknowledged, for its feeds too`() {
        var book = book()
        #expect(!book.isSettled(request(1)) && !book.isSettled(request(2)))
        book.told(request(1), .acked)
        #expect(book.isSettled(request(1)) && book.isSettled(request(2)))
        #expect(!book.isSettled(request(3)))
    }

    @Test func `Sync is lost for all sessions of a worker, and comes back for each on its own`() {
        var book = book()
        book.syncLost(at: slot(1))
        #expect(book[request(1)]?.isInSync == false && book[request(2)]?.isInSync == false)
        #expect(book[request(3)]?.isInSync == true && book[request(4)]?.isInSync == true)
        book.addFeed(request(5), called: client("sub-5"), of: request(1))
        #expect(book[request(5)]?.isInSync == false, "as little as its base")
        book.synced(request(1))
        #expect(book[request(1)]?.isInSync == true && book[request(2)]?.isInSync == false)
        book.place(request(1), at: nil)
        #expect(book[request(2)]?.isInSync == true, "nothing is anywhere")
    }

    @Test func `What was told of a feed is remembered apart from what was told of a publisher`() {
        var book = book()
        book.toldOfFeed(request(2)) { $0.isOffered = true }
        book.toldOfFeed(request(1)) { $0.isOffered = true }
        book.told(request(2), .acked)
        #expect(book[request(2)]?.told == .feed(base: request(1), ToldFeed(isOffered: true)))
        #expect(book[request(1)]?.told == .publisher(ToldState()))
    }
}
