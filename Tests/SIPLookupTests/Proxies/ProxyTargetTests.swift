import NIOCore
import Testing

@testable import SIPLookup

@Suite struct ProxyTargetTests {
    @Test(
        arguments: [
            (SIPTransport.udp, "203.0.113.5", UInt16(5060), "sip:203.0.113.5"),
            (.udp, "203.0.113.5", 5061, "sip:203.0.113.5:5061"),
            (.tcp, "203.0.113.5", 5060, "sip:203.0.113.5;transport=tcp"),
            (.tcp, "203.0.113.5", 5070, "sip:203.0.113.5:5070;transport=tcp"),
            (.tls, "203.0.113.5", 5061, "sips:203.0.113.5:5061"), (.tls, "203.0.113.5", 5060, "sips:203.0.113.5:5060"),
            (.udp, "2001:db8::5", 5060, "sip:[2001:db8::5]"),
            (.tcp, "2001:db8::5", 5061, "sip:[2001:db8::5]:5061;transport=tcp"),
            (.tls, "2001:db8::5", 5061, "sips:[2001:db8::5]:5061"),
        ])
    func `B29 A proxy is told to Janus by transport, address and port`(
        transport: SIPTransport, host: String, port: UInt16, text: String
    ) {
        #expect(ProxyTarget(transport, address(host), port).description == text)
    }

    @Test func `Targets are handed out one after the other, to the end`() {
        let all = ["192.0.2.1", "192.0.2.2"].map { ProxyTarget(.udp, address($0), 5060) }
        var targets = ProxyTargets(all)
        #expect([targets.next(), targets.next(), targets.next(), targets.next()] == [all[0], all[1], nil, nil])
    }

    @Test(
        arguments: [
            (ProxyLookupError.noRoutes(uri: "sip:b@x"), "No routes found for SIP URI sip:b@x"),
            (.timedOut(uri: "sip:b@x"), "Timeout in lookup for routes for SIP URI sip:b@x"),
            (.unanswered(uri: "sip:b@x"), "Name servers do not answer for SIP URI sip:b@x"),
            (.notOffered, "no results found"),
            (.dictatedTransport("tcp"), "Transport tcp dictated by URI is not supported"),
            (.requestedTransport("tls"), "Requested lookup for URI with tls transport, but it is not supported"),
            (.overloaded, "too many lookups"), (.stopped, "the gateway is stopping"),
        ])
    func `B29 A lookup that fails has its words for the client`(error: ProxyLookupError, detail: String) {
        #expect(error.text == "DNS lookup error: \(detail)")
    }
}

@Suite struct AvoidedTargetsTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func target(_ number: Int) -> ProxyTarget {
        ProxyTarget(.udp, address("10.0.\(number / 256).\(number % 256)"), 5060)
    }

    @Test func `A server that has failed comes last for 30 s, and the others keep their order`() {
        var avoided = AvoidedTargets()
        let all = (1...4).map { target($0) }
        avoided.failed(all[0], at: start)
        avoided.failed(all[2], at: start + .seconds(10))
        #expect(avoided.ordered(all, at: start + .seconds(29)) == [all[1], all[3], all[0], all[2]])
        #expect(avoided.count(at: start + .seconds(29)) == 2)
        #expect(avoided.ordered(all, at: start + .seconds(30)) == [all[0], all[1], all[3], all[2]])
        #expect(avoided.ordered(all, at: start + .seconds(40)) == all)
        #expect(avoided.count(at: start + .seconds(40)) == 0)
    }

    @Test func `When all have failed, all are tried`() {
        var avoided = AvoidedTargets()
        let all = (1...3).map { target($0) }
        for target in all { avoided.failed(target, at: start) }
        #expect(avoided.ordered(all, at: start) == all)
    }

    @Test func `Those that are remembered are bounded; the oldest goes first`() {
        var avoided = AvoidedTargets()
        for number in 0...AvoidedTargets.maximumCount {
            avoided.failed(target(number), at: start + .milliseconds(Int64(number)))
        }
        #expect(avoided.count(at: start) == AvoidedTargets.maximumCount)
        #expect(avoided.ordered([target(1), target(0)], at: start) == [target(0), target(1)])
        avoided.failed(target(5000), at: start + .seconds(60))
        #expect(avoided.count(at: start) == 1, "what is over makes room at once")
    }
}
