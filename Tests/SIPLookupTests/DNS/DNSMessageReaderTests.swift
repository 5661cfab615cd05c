import Testing

@testable import SIPLookup

@Suite struct DNSMessageReaderTests {
    private let question = DNSQuestion(.address4, name("example.com"))
    private let services = DNSQuestion(.service, name("_sip._udp.example.com"))

    private func read(_ question: DNSQuestion, _ write: (inout DNSMessageWriter) -> Void) -> DNSAnswer {
        var writer = DNSMessageWriter(question)
        write(&writer)
        return DNSMessageReader.answer(to: question, in: writer.bytes)
    }

    // MARK: What is said

    @Test func `Addresses of both families are read`() {
        #expect(
            read(question) { $0.add("example.com", .address(address("192.0.2.7"))) }
                == .records(a("192.0.2.7"), lifetime: 300))
        let six = DNSQuestion(.address6, name("example.com"))
        #expect(
            read(six) { $0.add("EXAMPLE.com", .address(address("2001:db8::7"))) }
                == .records(a("2001:db8::7"), lifetime: 300))
    }

    @Test func `Services and their preferences are read, a target that is the root included`() {
        let records = [srv(10, 60, 5060, "bigbox.example.com"), srv(20, 0, 5061, "")]
        #expect(
            read(services) { writer in for record in records { writer.add("_sip._udp.example.com", record) } }
                == .records(records, lifetime: 300))
        let naming = DNSQuestion(.naming, name("example.com"))
        let other = DNSRecord.naming(
            NAPTRRecord(
                order: 1, preference: 2, flags: "U", service: "E2U+sip", hasExpression: true, replacement: nil))
        let preferred = naptr(50, 50, "SIPS+D2T", "_sips._tcp.example.com")
        #expect(
            read(naming) { writer in for record in [preferred, other] { writer.add("example.com", record) } }
                == .records([preferred, other], lifetime: 300))
    }

    @Test func `Compressed names are read`() {
        // The question's name begins at 12, and `example.com` in it at 22.
        let answer = read(services) { writer in
            let data = [0, 1, 0, 2, 0x13, 0xC4] + [3] + Array("sip".utf8) + DNSMessageWriter.pointer(22)
            writer.addRaw(DNSMessageWriter.pointer(12), 33, data)
        }
        #expect(answer == .records([srv(1, 2, 5060, "sip.example.com")], lifetime: 300))
    }

    @Test func `Aliases are followed, whatever their order, and the shortest lifetime counts`() {
        let answer = read(question) { writer in
            writer.add("c.example.net", lifetime: 200, .address(address("192.0.2.1")))
            writer.addAlias("b.example.net", "c.example.net", lifetime: 30)
            writer.addAlias("example.com", "b.example.net", lifetime: 100)
            writer.add("other.example.net", lifetime: 1, .address(address("192.0.2.9")))
        }
        #expect(answer == .records(a("192.0.2.1"), lifetime: 30))
    }

    @Test func `Records of other names, types and classes are left out`() {
        let answer = read(question) { writer in
            writer.add("example.org", .address(address("192.0.2.1")))
            writer.add("example.com", .address(address("2001:db8::1")))
            writer.addRaw(DNSMessageWriter.name("example.com"), 1, class: 3, [192, 0, 2, 1])
            writer.addRaw([2, UInt8(ascii: "."), 0xFF, 0], 1, [192, 0, 2, 1])
        }
        #expect(answer == .absent(lifetime: nil))
    }

    @Test func `An address where no server can be is none, and one within IPv6 is of IPv4`() {
        let answer = read(question) { writer in
            for number in ["0.0.0.0", "224.0.0.1", "255.255.255.255"] {
                writer.add("example.com", .address(address(number)))
            }
        }
        #expect(answer == .absent(lifetime: nil))
        let six = DNSQuestion(.address6, name("example.com"))
        let mapped: [UInt8] = Array(repeating: 0, count: 10) + [0xFF, 0xFF, 192, 0, 2, 1]
        #expect(
            read(six) { $0.addRaw(DNSMessageWriter.name("example.com"), 28, mapped) }
                == .records(a("192.0.2.1"), lifetime: 300))
        #expect(
            read(six) { $0.addRaw(DNSMessageWriter.name("example.com"), 28, [0xFF] + Array(repeating: 1, count: 15)) }
                == .absent(lifetime: nil))
    }

    @Test(arguments: [(UInt16(0x8183), UInt32(600), UInt32(60), UInt32(60)), (0x8180, 20, 60, 20)])
    func `An absence holds as long as its authority says`(
        flags: UInt16, lifetime: UInt32, minimum: UInt32, holds: UInt32
    ) {
        let answer = read(question) { writer in
            writer.flags = flags
            writer.addAuthority("example.com", lifetime: lifetime, minimum: minimum)
        }
        #expect(answer == .absent(lifetime: holds))
    }

    @Test(arguments: [UInt16(2), 4, 5, 9])
    func `A server that cannot or will not answer has not said that there is nothing`(code: UInt16) {
        #expect(read(question) { $0.flags = 0x8180 | code } == .failed(.refused))
    }

    @Test func `A lifetime beyond all measure is none`() {
        #expect(
            read(question) { $0.add("example.com", lifetime: 0x8000_0000, .address(address("192.0.2.1"))) }
                == .records(a("192.0.2.1"), lifetime: 0))
    }

    // MARK: What nobody should say

    @Test func `Thousands of records are cut, and doubles are one`() {
        let answer = read(services) { writer in
            for number in 0..<4000 {
                writer.add("_sip._udp.example.com", srv(1, 1, 5060, "sip\(number / 2).example.com"))
            }
        }
        let kept = (0..<64).map { srv(1, 1, 5060, "sip\($0).example.com") }
        #expect(answer == .records(kept, lifetime: 300))
    }

    @Test func `Aliases in a circle, or too many, lead nowhere`() {
        #expect(
            read(question) { writer in
                writer.addAlias("example.com", "a.example.com")
                writer.addAlias("a.example.com", "example.com")
            } == .failed(.malformed))
        #expect(read(question) { $0.addAlias("example.com", "example.com") } == .failed(.malformed))
        #expect(
            read(question) { writer in
                writer.addAlias("example.com", "a0.example.com")
                for number in 0..<40 { writer.addAlias("a\(number).example.com", "a\(number + 1).example.com") }
                writer.add("a40.example.com", .address(address("192.0.2.1")))
            } == .absent(lifetime: nil))
    }

    @Test func `Pointers that lead forwards, to themselves or in a circle are malformed`() {
        // The first record's name stands at 29.
        for owner in [DNSMessageWriter.pointer(29), DNSMessageWriter.pointer(40), DNSMessageWriter.pointer(0x3FFF)] {
            #expect(read(question) { $0.addRaw(owner, 1, [192, 0, 2, 1]) } == .failed(.malformed))
        }
        let circle = [1, UInt8(ascii: "a")] + DNSMessageWriter.pointer(29)
        #expect(read(question) { $0.addRaw(circle, 1, [192, 0, 2, 1]) } == .failed(.malformed))
    }

    @Test func `A name of more than 255 bytes is malformed`() {
        let label: [UInt8] = [63] + Array(repeating: UInt8(ascii: "a"), count: 63)
        let long: [UInt8] = Array(repeating: label, count: 5).flatMap { $0 } + [0]
        #expect(read(question) { $0.addRaw(long, 1, [192, 0, 2, 1]) } == .failed(.malformed))
    }

    @Test func `A target that is no host is as good as none`() {
        for target in [[3] + Array("a.b".utf8) + [0], [2, 0xC3, 0xA4, 0], [1, UInt8(ascii: " "), 0]] as [[UInt8]] {
            let answer = read(services) {
                $0.addRaw(DNSMessageWriter.name("_sip._udp.example.com"), 33, [0, 1, 0, 2, 0x13, 0xC4] + target)
            }
            #expect(answer == .records([srv(1, 2, 5060, "")], lifetime: 300))
        }
    }

    @Test func `Data that is shorter or longer than its type is malformed`() {
        for data in [[192, 0, 2], [192, 0, 2, 1, 0], []] as [[UInt8]] {
            #expect(
                read(question) { $0.addRaw(DNSMessageWriter.name("example.com"), 1, data) } == .failed(.malformed))
        }
        #expect(
            read(question) { $0.addRaw(DNSMessageWriter.name("example.com"), 6, [0, 0], in: .authority) }
                == .failed(.malformed))
    }

    @Test func `An answer to another question, a query, or one that was cut is malformed`() {
        for flags: UInt16 in [0x0180, 0x8980, 0x8380, 0x8181] {
            #expect(read(question) { $0.flags = flags } == .failed(.malformed))
        }
        #expect(read(question) { $0.questionCount = 0 } == .failed(.malformed))
        let other = DNSMessageWriter(DNSQuestion(.address4, name("example.org"))).bytes
        #expect(DNSMessageReader.answer(to: question, in: other) == .failed(.malformed))
        let six = DNSMessageWriter(DNSQuestion(.address6, name("example.com"))).bytes
        #expect(DNSMessageReader.answer(to: question, in: six) == .failed(.malformed))
    }

    @Test func `A message that ends anywhere too early is malformed`() {
        var writer = DNSMessageWriter(services)
        writer.addAlias("_sip._udp.example.com", "sip.example.net")
        writer.add("sip.example.net", srv(1, 2, 5060, "a.example.net"))
        let whole = writer.bytes
        #expect(
            DNSMessageReader.answer(to: services, in: whole)
                == .records([srv(1, 2, 5060, "a.example.net")], lifetime: 300))
        for length in 0..<whole.count {
            #expect(DNSMessageReader.answer(to: services, in: Array(whole.prefix(length))) == .failed(.malformed))
        }
        writer.answerCount = 0xFFFF
        #expect(DNSMessageReader.answer(to: services, in: writer.bytes) == .failed(.malformed))
    }
}
