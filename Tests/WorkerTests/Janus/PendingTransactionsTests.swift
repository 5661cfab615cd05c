import NIOCore
import Testing

@testable import Worker

@Suite struct PendingTransactionsTests {
    private func at(_ second: UInt64) -> NIODeadline { .uptimeNanoseconds(second * 1_000_000_000) }

    @Test func `a reply finds its request once`() {
        var pending = PendingTransactions<String>()
        pending.insert("1", "a", deadline: at(10))
        #expect(pending.resolve("2") == nil)
        #expect(pending.resolve("1") == "a")
        #expect(pending.resolve("1") == nil)
        #expect(pending.count == 0)
    }

    @Test func `what has waited too long comes out, oldest first and once`() {
        var pending = PendingTransactions<String>()
        pending.insert("1", "a", deadline: at(10))
        pending.insert("2", "b", deadline: at(11))
        pending.insert("3", "c", deadline: at(12))
        #expect(pending.expired(at: at(9)) == [])
        #expect(pending.expired(at: at(11)) == ["a", "b"])
        #expect(pending.expired(at: at(11)) == [])
        #expect(pending.resolve("1") == nil, "given up")
        #expect(pending.resolve("3") == "c")
        #expect(pending.expired(at: at(20)) == [])
    }

    @Test func `what was answered does not expire`() {
        var pending = PendingTransactions<String>()
        pending.insert("1", "a", deadline: at(10))
        pending.insert("2", "b", deadline: at(10))
        _ = pending.resolve("1")
        #expect(pending.expired(at: at(10)) == ["b"])
    }

    @Test func `a lost link gives back everything, oldest first`() {
        var pending = PendingTransactions<String>()
        for number in 1...5 { pending.insert("\(number)", "\(number)", deadline: at(UInt64(number))) }
        _ = pending.expired(at: at(1))
        _ = pending.resolve("3")
        #expect(pending.removeAll() == ["2", "4", "5"])
        #expect(pending.removeAll() == [])
        #expect(pending.count == 0)
        pending.insert("2", "again", deadline: at(9))
        #expect(pending.expired(at: at(9)) == ["again"])
    }

    @Test func `it stays right over thousands of requests`() {
        var pending = PendingTransactions<Int>()
        for number in 0..<5000 {
            pending.insert("\(number)", number, deadline: at(UInt64(number)))
            if number % 3 == 0 { #expect(pending.resolve("\(number)") == number) }
            if number >= 10 {
                let due = number - 10
                #expect(pending.expired(at: at(UInt64(due))) == (due % 3 == 0 ? [] : [due]))
            }
        }
        #expect(pending.removeAll() == (4990..<5000).filter { $0 % 3 != 0 })
    }
}
