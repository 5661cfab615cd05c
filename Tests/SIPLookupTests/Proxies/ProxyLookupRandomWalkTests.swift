import Identity
import TestSupport
import Testing

@testable import SIPLookup

@Suite struct ProxyLookupRandomWalkTests {
    private static let hosts = [
        "example.com", "a.example", "b.example", "_sip._udp.example.com", "_sips._tcp.a.example",
    ]
    private static let failures: [DNSFailure] = [.timedOut, .refused, .malformed, .overloaded, .stopped]

    /// Mostly what fits the question, sometimes anything.
    private static func answer(to question: DNSQuestion, _ random: inout SeededGenerator) -> DNSAnswer {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return .absent(lifetime: nil)
        case 1: return .failed(failures.randomElement(using: &random) ?? .timedOut)
        default:
            let type = Int.random(in: 0..<9, using: &random) == 0 ? DNSType.allCases.randomElement(using: &random) : nil
            let records = (0..<Int.random(in: 1...70, using: &random)).map { _ in record(type ?? question.type, &random)
            }
            return .records(records, lifetime: 1)
        }
    }

    private static func record(_ type: DNSType, _ random: inout SeededGenerator) -> DNSRecord {
        let host = hosts.randomElement(using: &random) ?? ""
        switch type {
        case .address4: return .address(IPAddress(version4: UInt32.random(in: 1 << 24..<200 << 24, using: &random)))
        case .address6: return .address(IPAddress(high: 1 << 60, low: random.next()))
        case .service:
            return srv(
                UInt16.random(in: 0...3, using: &random), UInt16.random(in: 0...9, using: &random),
                UInt16.random(in: 0...3, using: &random), Bool.random(using: &random) ? host : "")
        case .naming:
            let service = ["SIP+D2U", "SIP+D2T", "SIPS+D2T", "SIP+D2S"].randomElement(using: &random) ?? ""
            return naptr(
                UInt16.random(in: 0...3, using: &random), 0, service, Bool.random(using: &random) ? host : "")
        }
    }

    @Test func `B29 Whatever is answered in whatever order, a lookup ends once, within bounds`() {
        let destinations = [
            "b@example.com", "sips:b@example.com", "b@example.com;transport=tcp", "b@example.com:5070", "b@a.example",
        ]
        var found = 0
        for seed in 0..<2000 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let destination = ProxyDestination(uri(destinations[Int(seed) % destinations.count]))
            var machine = ProxyLookupStateMachine(
                destination, transports: SIPTransport.allCases.shuffled(using: &random),
                families: AddressFamily.allCases.shuffled(using: &random))
            var waiting: [DNSQuestion] = []
            var asked: Set<DNSQuestion> = []
            var ends = 0
            func perform(_ action: ProxyLookupStateMachine.Action) {
                switch action {
                case .await: break
                case .ask(let questions):
                    #expect(!questions.isEmpty && asked.isDisjoint(with: questions))
                    #expect(Set(questions).count == questions.count)
                    asked.formUnion(questions)
                    waiting += questions
                case .finish(let result):
                    ends += 1
                    guard case .success(let routes) = result else { return }
                    found += 1
                    let targets = routes.ordered(AddressFamily.allCases, using: &random)
                    #expect((1...ProxyRoutes.maximumTargets).contains(targets.count))
                    #expect(Set(targets).count == targets.count)
                    #expect(targets.allSatisfy { $0.port > 0 && $0.transport == routes.transport })
                    #expect(!destination.isSecure || routes.transport == .tls)
                }
            }
            perform(machine.started())
            while let index = waiting.indices.randomElement(using: &random) {
                let question = waiting.remove(at: index)
                if Int.random(in: 0..<60, using: &random) == 0 { perform(machine.deadlinePassed()) }
                perform(machine.answered(question, Self.answer(to: question, &random)))
            }
            #expect(ends == 1, "seed \(seed)")
            let bound = 1 + ProxyLookupStateMachine.maximumServices + 2 * ProxyLookupStateMachine.maximumServers
            #expect(asked.count <= bound)
        }
        #expect(found > 500)
    }
}
