import TestSupport
import Testing

@testable import SIPLookup

@Suite struct DNSMessageFuzzTests {
    private static let questions = DNSType.allCases.flatMap { type in
        ["example.com", "_sip._udp.example.com"].map { DNSQuestion(type, name($0)) }
    }

    @Test func `Whatever a name server says, it is understood within bounds or not at all`() {
        let finding = Fuzzing("dns", from: "dns").run { input in
            for question in Self.questions {
                switch DNSMessageReader.answer(to: question, in: input) {
                case .absent, .failed: break
                case .records(let records, let lifetime):
                    guard (1...DNSMessageReader.maximumRecords).contains(records.count), lifetime <= UInt32(Int32.max)
                    else { throw Fuzzing.Finding("out of bounds: \(records.count) records for \(lifetime) s") }
                    for record in records { try Self.check(record, question.type) }
                }
            }
        }
        #expect(finding == nil)
    }

    private static func check(_ record: DNSRecord, _ type: DNSType) throws {
        let isRight =
            switch (record, type) {
            case (.address(let address), .address4): address.family == .version4 && address.usable == address
            case (.address(let address), .address6): address.usable == address
            case (.service(let service), .service): service.target.map(isName) != false
            case (.naming(let naming), .naming): naming.replacement.map(isName) != false
            default: false
            }
        guard isRight else { throw Fuzzing.Finding("\(record) for \(type)") }
    }

    private static func isName(_ name: DNSName) -> Bool { DNSName(name.description) == name }
}
