import Identity
import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct SessionBookTests {
    private func book() -> SessionBook {
        var book = SessionBook()
        book.add(request(1), .publisher, called: client("pub-a"), account: account(alice), at: slot(1))
        book.add(request(2), .feed(of: request(1)), called: client("sub-1"), account: account(alice), at: slot(1))
        book.add(request(3), .publisher, called: client("pub-b"), account: account(bob), at: slot(2))
        book.add(request(4), .publisher, called: client("pub-c"), account: account(alice), at: nil)
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
        #expect(book.remove(request(2)).map(\.client) == [client("sub-1")])
        #expect(book.contains("pub-a"))
        book.add(request(5), .feed(of: request(1)), called: client("sub-2"), account: account(alice), at: slot(1))
        #expect(book.remove(request(1)).map(\.client) == [client("pub-a"), client("sub-2")])
        #expect(book.remove(request(1)).isEmpty)
        #expect(!book.contains("pub-a") && !book.contains("sub-2") && book.contains("pub-b"))
    }

    @Test func `What is kept goes along whenever the worker changes, until the join is answered`() {
        var book = book()
        book.add(request(5), .feed(of: request(4)), called: client("sub-5"), account: account(alice), at: nil)
        func keep(_ session: UInt64, _ number: UInt64) {
            book.keep(request(session), request(number), .trickling(session)) { _ in true }
        }
        keep(4, 7)
        keep(5, 6)
        #expect(book.place(request(4), at: slot(3)).map(\.0) == [request(6), request(7)])
        #expect(book.all(at: slot(3)) == [request(4), request(5)])
        keep(4, 8)
        #expect(book.place(request(4), at: slot(2)).map(\.0) == [request(6), request(7), request(8)])
        #expect(book.place(request(9), at: slot(2)).isEmpty)
        book.told(request(4), .acked)
        book.settle(request(4))
        keep(4, 9)
        keep(5, 10)
        #expect(book.place(request(4), at: slot(2)).isEmpty)
    }

    @Test func `What is answered is not kept any longer`() {
        var book = book()
        for number in UInt64(6)...8 {
            book.keep(request(4), request(number), .trickling(4)) { $0 == request(7) }
        }
        #expect(book.place(request(4), at: slot(1)).map(\.0) == [request(7), request(8)])
    }

    @Test func `A session knows itself and whom it was told of`() {
        var book = book()
        book.told(request(1), .initialPublishers([client("pub-x")]))
        #expect(book[request(1)]?.knows("pub-a") == true)
        #expect(book[request(1)]?.knows("pub-x") == true)
        #expect(book[request(1)]?.knows("pub-b") == false)
        book.told(request(1), .left([client("pub-x")]))
        #expect(book[request(1)]?.knows("pub-x") == false)
    }
}
