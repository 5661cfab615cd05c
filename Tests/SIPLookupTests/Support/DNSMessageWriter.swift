import Identity

@testable import SIPLookup

/// Writes what a name server might say, and what none should.
struct DNSMessageWriter {
    enum Section { case answer, authority }

    private(set) var question: [UInt8] = []
    private var answers: [[UInt8]] = []
    private var authorities: [[UInt8]] = []
    var id: UInt16 = 0x1234
    var flags: UInt16 = 0x8180
    var questionCount: UInt16 = 1
    /// Instead of what is true.
    var answerCount: UInt16?

    init(_ question: DNSQuestion) {
        self.question = Self.name(question.name.description) + Self.number(question.type.number) + Self.number(1)
    }

    var bytes: [UInt8] {
        var bytes = Self.number(id) + Self.number(flags) + Self.number(questionCount)
        bytes += Self.number(answerCount ?? UInt16(answers.count)) + Self.number(UInt16(authorities.count))
        bytes += Self.number(0) + question
        for resource in answers + authorities { bytes += resource }
        return bytes
    }

    mutating func addRaw(
        _ owner: [UInt8], _ type: UInt16, class number: UInt16 = 1, lifetime: UInt32 = 300, _ data: [UInt8],
        in section: Section = .answer
    ) {
        let resource =
            owner + Self.number(type) + Self.number(number) + Self.number(UInt16(lifetime >> 16))
            + Self.number(UInt16(truncatingIfNeeded: lifetime)) + Self.number(UInt16(data.count)) + data
        switch section {
        case .answer: answers.append(resource)
        case .authority: authorities.append(resource)
        }
    }

    mutating func add(_ owner: String, lifetime: UInt32 = 300, _ record: DNSRecord) {
        switch record {
        case .address(let address):
            if let number = address.version4 {
                addRaw(
                    Self.name(owner), 1, lifetime: lifetime,
                    Self.number(UInt16(number >> 16)) + Self.number(UInt16(truncatingIfNeeded: number)))
            } else {
                let data = [address.high, address.low].flatMap { half in
                    stride(from: 48, through: 0, by: -16).flatMap {
                        Self.number(UInt16(truncatingIfNeeded: half >> $0))
                    }
                }
                addRaw(Self.name(owner), 28, lifetime: lifetime, data)
            }
        case .service(let service):
            addRaw(
                Self.name(owner), 33, lifetime: lifetime,
                Self.number(service.priority) + Self.number(service.weight) + Self.number(service.port)
                    + Self.name(service.target?.description ?? ""))
        case .naming(let naming):
            addRaw(
                Self.name(owner), 35, lifetime: lifetime,
                Self.number(naming.order) + Self.number(naming.preference) + Self.text(naming.flags)
                    + Self.text(naming.service) + Self.text(naming.hasExpression ? "!^.*$!sip:x@y!" : "")
                    + Self.name(naming.replacement?.description ?? ""))
        }
    }

    mutating func addAlias(_ owner: String, _ target: String, lifetime: UInt32 = 300) {
        addRaw(Self.name(owner), 5, lifetime: lifetime, Self.name(target))
    }

    /// - Parameter minimum: how long an absence holds.
    mutating func addAuthority(_ zone: String, lifetime: UInt32, minimum: UInt32) {
        var data = Self.name("ns.\(zone)") + Self.name("admin.\(zone)")
        for number: UInt32 in [1, 7200, 3600, 86_400, minimum] {
            data += Self.number(UInt16(number >> 16)) + Self.number(UInt16(truncatingIfNeeded: number))
        }
        addRaw(Self.name(zone), 6, lifetime: lifetime, data, in: .authority)
    }

    static func number(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)] }

    /// Empty: the root.
    static func name(_ text: String) -> [UInt8] {
        text.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    static func text(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }

    static func pointer(_ offset: Int) -> [UInt8] { [0xC0 | UInt8(offset >> 8), UInt8(truncatingIfNeeded: offset)] }
}
