import Identity

/// Reads what a name server has answered (RFC 1035 §4), which is anything anybody may have sent.
///
/// Every byte is looked at a bounded number of times: a name's pointers lead only backwards, aliases are followed
/// ``maximumAliases`` times, and ``maximumRecords`` records are kept.
struct DNSMessageReader {
    static let maximumAliases = 16
    static let maximumRecords = 64

    private struct Malformed: Error {}

    private struct Resource {
        /// nil: none that we would ask for.
        let owner: DNSName?
        let type: UInt16
        let lifetime: UInt32
        /// Of its data.
        let range: Range<Int>
    }

    private let bytes: [UInt8]
    private var position = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Never fails otherwise than by saying so.
    static func answer(to question: DNSQuestion, in bytes: [UInt8]) -> DNSAnswer {
        var reader = DNSMessageReader(bytes)
        do throws(Malformed) {
            return try reader.answer(to: question)
        } catch {
            return .failed(.malformed)
        }
    }

    // MARK: The message

    private mutating func answer(to question: DNSQuestion) throws(Malformed) -> DNSAnswer {
        try skip(2)
        let flags = try number16()
        let counts = (try number16(), try number16(), try number16())
        try skip(2)
        // A response to a standard query, and whole.
        guard flags & 0xFA00 == 0x8000, counts.0 == 1 else { throw Malformed() }
        guard try name() == question.name, try number16() == question.type.number, try number16() == 1 else {
            throw Malformed()
        }
        switch flags & 0xF {
        case 0, 3: break
        case 1: throw Malformed()
        default: return .failed(.refused)
        }
        let found = try records(question, count: counts.1)
        if let found { return found }
        return .absent(lifetime: try negativeLifetime(count: counts.2))
    }

    /// Servers that are asked recursively follow aliases to their end; one that leads nowhere is an absent name.
    ///
    /// - Returns: nil when there are none.
    private mutating func records(_ question: DNSQuestion, count: UInt16) throws(Malformed) -> DNSAnswer? {
        var aliases: [DNSName: (target: DNSName, lifetime: UInt32)] = [:]
        var found: [(owner: DNSName, lifetime: UInt32, record: DNSRecord)] = []
        for _ in 0..<count {
            let resource = try resource()
            guard let owner = resource.owner else { continue }
            if resource.type == 5, aliases.count < Self.maximumAliases, aliases[owner] == nil {
                var inside = at(resource)
                if let target = try inside.name() { aliases[owner] = (target, resource.lifetime) }
            } else if resource.type == question.type.number, found.count < Self.maximumRecords * 4 {
                guard let record = try record(question.type, resource) else { continue }
                found.append((owner, resource.lifetime, record))
            }
        }
        var name = question.name
        var lifetime = UInt32.max
        for step in 0... {
            guard let alias = aliases[name] else { break }
            guard step < Self.maximumAliases else { throw Malformed() }
            name = alias.target
            lifetime = min(lifetime, alias.lifetime)
        }
        var records: [DNSRecord] = []
        for (owner, ofRecord, record) in found where owner == name && records.count < Self.maximumRecords {
            guard !records.contains(record) else { continue }
            records.append(record)
            lifetime = min(lifetime, ofRecord)
        }
        return records.isEmpty ? nil : .records(records, lifetime: lifetime)
    }

    /// RFC 2308 §5: the lesser of the SOA record's own lifetime and its last field.
    private mutating func negativeLifetime(count: UInt16) throws(Malformed) -> UInt32? {
        for _ in 0..<count {
            let resource = try resource()
            guard resource.type == 6 else { continue }
            guard resource.range.count >= 22 else { throw Malformed() }
            var inside = at(resource)
            inside.position = resource.range.upperBound - 4
            return min(resource.lifetime, Self.lifetime(try inside.number32()))
        }
        return nil
    }

    private mutating func resource() throws(Malformed) -> Resource {
        let owner = try name()
        let type = try number16()
        let isInternet = try number16() == 1
        let lifetime = Self.lifetime(try number32())
        let length = Int(try number16())
        let start = position
        try skip(length)
        return Resource(
            owner: isInternet ? owner : nil, type: isInternet ? type : 0, lifetime: lifetime,
            range: start..<start + length)
    }

    /// With the first bit set it is none (RFC 2181 §8).
    private static func lifetime(_ number: UInt32) -> UInt32 { number > UInt32(Int32.max) ? 0 : number }

    private func at(_ resource: Resource) -> DNSMessageReader {
        var inside = self
        inside.position = resource.range.lowerBound
        return inside
    }

    // MARK: Data

    /// - Returns: nil for what can be understood and not be used.
    private func record(_ type: DNSType, _ resource: Resource) throws(Malformed) -> DNSRecord? {
        var inside = at(resource)
        let record: DNSRecord?
        switch type {
        case .address4:
            record = IPAddress(version4: try inside.number32()).usable.map { .address($0) }
        case .address6:
            let high = UInt64(try inside.number32()) << 32 | UInt64(try inside.number32())
            let low = UInt64(try inside.number32()) << 32 | UInt64(try inside.number32())
            record = IPAddress(high: high, low: low).usable.map { .address($0) }
        case .service:
            record = .service(
                SRVRecord(
                    priority: try inside.number16(), weight: try inside.number16(), port: try inside.number16(),
                    target: try inside.name()))
        case .naming:
            record = .naming(
                NAPTRRecord(
                    order: try inside.number16(), preference: try inside.number16(), flags: try inside.text(),
                    service: try inside.text(), hasExpression: try !inside.text().isEmpty,
                    replacement: try inside.name()))
        }
        guard inside.position == resource.range.upperBound else { throw Malformed() }
        return record
    }

    private mutating func text() throws(Malformed) -> String {
        let length = Int(try byte())
        let start = position
        try skip(length)
        return String(decoding: bytes[start..<start + length], as: UTF8.self)
    }

    /// Compressed or not (RFC 1035 §4.1.4).
    ///
    /// - Returns: nil for the root, and for one with other characters than those of hosts and services.
    private mutating func name() throws(Malformed) -> DNSName? {
        var text: [UInt8] = []
        var at = position
        /// Where reading goes on: behind the first pointer.
        var end: Int?
        /// Pointers lead before whatever led to them.
        var limit = position
        while true {
            guard at < bytes.count else { throw Malformed() }
            let length = Int(bytes[at])
            switch length {
            case 0:
                position = end ?? at + 1
                return DNSName(bytes: text)
            case 1...63:
                guard at + length < bytes.count, text.count + length <= 255 else { throw Malformed() }
                let label = bytes[at + 1...at + length]
                // A dot within a label is not the dot between two.
                text += label.contains(UInt8(ascii: ".")) ? [0] : label
                text.append(UInt8(ascii: "."))
                at += length + 1
            case 0xC0...0xFF:
                guard at + 1 < bytes.count else { throw Malformed() }
                let target = (length & 0x3F) << 8 | Int(bytes[at + 1])
                guard target < limit else { throw Malformed() }
                end = end ?? at + 2
                limit = target
                at = target
            default: throw Malformed()
            }
        }
    }

    // MARK: Numbers

    private mutating func skip(_ count: Int) throws(Malformed) {
        guard count <= bytes.count - position else { throw Malformed() }
        position += count
    }

    private mutating func byte() throws(Malformed) -> UInt8 {
        try skip(1)
        return bytes[position - 1]
    }

    private mutating func number16() throws(Malformed) -> UInt16 {
        try skip(2)
        return UInt16(bytes[position - 2]) << 8 | UInt16(bytes[position - 1])
    }

    private mutating func number32() throws(Malformed) -> UInt32 {
        UInt32(try number16()) << 16 | UInt32(try number16())
    }
}
