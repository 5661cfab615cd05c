import Identity

@testable import SIPLookup

func name(_ text: String) -> DNSName {
    guard let name = DNSName(text) else { preconditionFailure("\(text) is no name") }
    return name
}

func address(_ text: String) -> IPAddress {
    guard let address = IPAddress(text) else { preconditionFailure("\(text) is no address") }
    return address
}

func uri(_ text: String) -> SIPURI {
    guard let uri = SIPURI(text) else { preconditionFailure("\(text) is no SIP URI") }
    return uri
}

func naptr(_ order: UInt16, _ preference: UInt16, _ service: String, _ replacement: String) -> DNSRecord {
    .naming(
        NAPTRRecord(
            order: order, preference: preference, flags: "s", service: service, replacement: DNSName(replacement)))
}

func srv(_ priority: UInt16, _ weight: UInt16, _ port: UInt16, _ target: String) -> DNSRecord {
    .service(SRVRecord(priority: priority, weight: weight, port: port, target: DNSName(target)))
}

func a(_ texts: String...) -> [DNSRecord] { texts.map { .address(address($0)) } }

/// Names and what is known of them; anything else is absent. Of a failure, the reason.
struct Zone {
    private var answers: [DNSQuestion: DNSAnswer] = [:]

    mutating func say(_ type: DNSType, _ owner: String, _ records: [DNSRecord]) {
        answers[DNSQuestion(type, name(owner))] = .records(records, lifetime: 300)
    }

    mutating func fail(_ type: DNSType, _ owner: String, _ reason: DNSFailure) {
        answers[DNSQuestion(type, name(owner))] = .failed(reason)
    }

    func answer(to question: DNSQuestion) -> DNSAnswer { answers[question] ?? .absent(lifetime: 30) }
}

extension DNSQuestion {
    /// As in a transcript.
    var text: String {
        switch type {
        case .address4: "A \(name)"
        case .address6: "AAAA \(name)"
        case .service: "SRV \(name)"
        case .naming: "NAPTR \(name)"
        }
    }
}
