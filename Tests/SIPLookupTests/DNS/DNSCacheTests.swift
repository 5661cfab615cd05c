import NIOCore
import Testing

@testable import SIPLookup

@Suite struct DNSCacheTests {
    private let question = DNSQuestion(.address4, name("example.com"))
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    @Test func `Records are known for their lifetime and not longer`() {
        var cache = DNSCache()
        cache.store(.records(a("192.0.2.1"), lifetime: 20), to: question, at: start)
        #expect(
            cache.answer(to: question, at: start + .milliseconds(19_999)) == .records(a("192.0.2.1"), lifetime: 20))
        #expect(cache.answer(to: question, at: start + .seconds(20)) == nil)
        #expect(cache.count == 0)
    }

    @Test func `Records are known for an hour at most, absences for a minute`() {
        var cache = DNSCache()
        cache.store(.records(a("192.0.2.1"), lifetime: .max), to: question, at: start)
        #expect(cache.answer(to: question, at: start + .seconds(3599)) != nil)
        #expect(cache.answer(to: question, at: start + .seconds(3600)) == nil)
        cache.store(.absent(lifetime: 86_400), to: question, at: start)
        #expect(cache.answer(to: question, at: start + .seconds(59)) == .absent(lifetime: 86_400))
        #expect(cache.answer(to: question, at: start + .seconds(60)) == nil)
    }

    @Test(arguments: [
        DNSAnswer.records(a("192.0.2.1"), lifetime: 0), .absent(lifetime: nil), .absent(lifetime: 0),
        .failed(.timedOut),
        .failed(.refused),
    ])
    func `What does not hold is not kept`(answer: DNSAnswer) {
        var cache = DNSCache()
        cache.store(answer, to: question, at: start)
        #expect(cache.answer(to: question, at: start) == nil)
    }

    @Test func `A failure does not drive out what is known, a newer answer does`() {
        var cache = DNSCache()
        cache.store(.records(a("192.0.2.1"), lifetime: 20), to: question, at: start)
        cache.store(.failed(.refused), to: question, at: start)
        #expect(cache.answer(to: question, at: start) != nil)
        cache.store(.records(a("192.0.2.2"), lifetime: 0), to: question, at: start)
        #expect(cache.answer(to: question, at: start) == nil)
    }

    @Test func `A full cache lets go of what is over, or else of what would be over first`() {
        var cache = DNSCache()
        let bound = DNSCache.maximumEntries
        for number in 0..<bound {
            cache.store(
                .records(a("192.0.2.1"), lifetime: UInt32(number + 1)),
                to: DNSQuestion(.address4, name("a\(number).example.com")), at: start)
        }
        cache.store(.records(a("192.0.2.1"), lifetime: 5000), to: question, at: start)
        #expect(cache.count == bound - bound / 4 + 1)
        #expect(cache.answer(to: DNSQuestion(.address4, name("a0.example.com")), at: start) == nil)
        #expect(cache.answer(to: DNSQuestion(.address4, name("a\(bound - 1).example.com")), at: start) != nil)
        for number in 0..<bound * 3 {
            cache.store(
                .records(a("192.0.2.1"), lifetime: 9),
                to: DNSQuestion(.address6, name("a\(number).example.com")), at: start + .seconds(1200))
            #expect(cache.count <= bound)
        }
    }
}
