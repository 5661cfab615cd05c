import Registry
import Testing

@Suite struct LeaseInstantTests {
    @Test func `Instants go forwards, and an hour is 3,600,000`() {
        let now = LeaseInstant.now()
        #expect(now > .over)
        #expect(LeaseInstant.now() >= now)
        #expect(now.advanced(byMilliseconds: 3_600_000).rawValue == now.rawValue + 3_600_000)
        #expect(now.advanced(byMilliseconds: -1) < now)
    }

    @Test func `Instants stay within their range`() {
        #expect(LeaseInstant.over.advanced(byMilliseconds: -1) == .over)
        #expect(LeaseInstant.over.advanced(byMilliseconds: .min) == .over)
        #expect(LeaseInstant(rawValue: .max).advanced(byMilliseconds: .max).rawValue == .max)
    }

    @Test func `The kernel names this boot`() throws {
        #expect(try BootID.current().description.count == 36)
        #expect(try BootID.current() == BootID.current())
    }
}
