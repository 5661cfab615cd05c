import NIOCore
import TestSupport
import Testing

@testable import Worker

@Suite struct RegisterPaceTests {
    private let loop = TestLoop()
    private let pace: RegisterPace

    init() { pace = RegisterPace(loop: loop, metrics: PhoneMetrics()) }

    private final class Book {
        var lines: [String] = []
        var turns: [String: RegisterPace.Turn] = [:]
    }

    @discardableResult
    private func enter(
        _ name: String, _ priority: RegisterPace.Priority, _ book: Book, patience: TimeAmount = .seconds(10)
    ) -> RegisterPace.Ticket {
        pace.enter(priority, patience: patience) { result in
            switch result {
            case .success(let turn):
                book.lines.append(name)
                book.turns[name] = turn
            case .failure(let failure): book.lines.append("\(name): \(failure.reason)")
            }
        }
    }

    @Test func `one has the turn at a time, and who comes first is first`() {
        let book = Book()
        for name in ["a", "b", "c"] { enter(name, .registration, book) }
        #expect(book.lines == ["a"])
        book.turns["a"]?.over()
        #expect(book.lines == ["a", "b"])
        book.turns["a"]?.over()
        #expect(book.lines == ["a", "b"], "over once")
        book.turns["b"]?.over()
        #expect(book.lines == ["a", "b", "c"])
    }

    @Test func `a call waits for the turn under way and no other, the pool for all`() {
        let book = Book()
        enter("pool", .pool, book)
        for name in ["a", "b"] { enter(name, .registration, book) }
        enter("more pool", .pool, book)
        enter("call", .call, book)
        for name in ["pool", "call", "a", "b"] { book.turns[name]?.over() }
        #expect(book.lines == ["pool", "call", "a", "b", "more pool"])
    }

    @Test func `who is waited for by a call comes as one, and never later than before`() {
        let book = Book()
        for name in ["a", "b"] { enter(name, .registration, book) }
        let stock = enter("stock", .pool, book)
        let call = enter("call", .call, book)
        pace.raise(stock, to: .call)
        pace.raise(call, to: .registration)
        #expect([.call, .registration, .pool].map(pace.waiting) == [2, 1, 0])
        for name in ["a", "call", "stock"] { book.turns[name]?.over() }
        #expect(book.lines == ["a", "call", "stock", "b"])
        pace.raise(stock, to: .call)
        #expect(pace.waiting(.call) == 0, "it had its turn")
    }

    @Test func `a turn that nobody ends is over by itself`() {
        let book = Book()
        enter("a", .registration, book)
        enter("b", .registration, book)
        loop.advance(by: RegisterPace.limit)
        #expect(book.lines == ["a", "b"])
        book.turns["a"]?.over()
        enter("c", .registration, book)
        #expect(book.lines == ["a", "b"], "the late end of one turn does not end the next")
    }

    @Test func `who waits too long is told so, and has no turn later`() {
        let book = Book()
        enter("a", .registration, book)
        enter("b", .registration, book, patience: .milliseconds(500))
        enter("c", .registration, book)
        loop.advance(by: .milliseconds(500))
        #expect(book.lines == ["a", "b: the media server takes too long to register"])
        book.turns["a"]?.over()
        #expect(book.lines.last == "c")
        #expect(pace.waiting(.registration) == 0)
    }

    @Test func `the queue is bounded`() {
        let book = Book()
        for number in 0...RegisterPaceStateMachine.maximum { enter("\(number)", .registration, book) }
        enter("one more", .registration, book)
        enter("call", .call, book)
        #expect(book.lines == ["0", "one more: too many registrations wait for the media server"])
        book.turns["0"]?.over()
        #expect(book.lines.last == "call", "others have their own places")
    }

    @Test func `turns that are over at once do not pile up on the stack`() {
        var count = 0
        let first = Book()
        enter("first", .registration, first)
        for _ in 0..<4000 {
            pace.enter(.registration, patience: .seconds(10)) { result in
                count += 1
                try? result.get().over()
            }
        }
        first.turns["first"]?.over()
        #expect(count == 4000)
    }
}
