import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import SIPLookup

/// c-ares against name servers that a test speaks for, on loopback sockets.
@Suite struct CAresResolverTests {
    private static let question = DNSQuestion(.address4, name("example.com"))

    /// Answers every question of ours with `records`.
    private static func reply(_ query: ScriptedNameServer.Query, _ records: [DNSRecord], flags: UInt16 = 0x8180)
        -> [UInt8]?
    {
        guard let question = query.question else { return nil }
        var writer = DNSMessageWriter(question)
        writer.id = query.id
        writer.flags = flags
        for record in records { writer.add(question.name.description, record) }
        return writer.bytes
    }

    private func run(
        _ script: @escaping ScriptedNameServer.Script, _ body: (LiveResolver, ScriptedNameServer) throws -> Void
    ) throws {
        try withLoops { group in
            let server = try ScriptedNameServer(on: group, script)
            try LiveResolver.run(asking: [server.server], on: group) { try body($0, server) }
            try server.close()
        }
    }

    @Test func `Every type of question is asked as it is meant, and its answer comes on the loop`() throws {
        let records: [DNSType: [DNSRecord]] = [
            .address4: a("192.0.2.1"), .address6: a("2001:db8::1"), .service: [srv(1, 2, 5060, "sip.example.com")],
            .naming: [naptr(1, 2, "SIP+D2U", "_sip._udp.example.com")],
        ]
        try run({ query in Self.reply(query, query.question.flatMap { records[$0.type] } ?? []) }) {
            (live, server) throws in
            for (type, expected) in records {
                let question = DNSQuestion(type, name("_x.Example.com"))
                #expect(try live.ask(question) == .records(expected, lifetime: 300))
            }
            #expect(Set(server.asked.compactMap { $0.question?.type }) == Set(DNSType.allCases))
        }
    }

    @Test func `Hundreds of questions at a time are answered, each with its own`() throws {
        try run({ query in
            let number = query.question.flatMap { Int($0.name.description.prefix { $0 != "." }) } ?? 0
            return Self.reply(query, a("10.0.\(number / 256).\(number % 256)"))
        }) { (live, _) throws in
            let asking = (0..<500).map { live.begin(DNSQuestion(.address4, name("\($0).example.com"))) }
            for (number, future) in asking.enumerated() {
                #expect(try future.wait() == .records(a("10.0.\(number / 256).\(number % 256)"), lifetime: 300))
            }
        }
    }

    @Test func `An answer that was cut is fetched whole over TCP`() throws {
        let records = (0..<60).map { srv(UInt16($0), 1, 5060, "server\($0).example.com") }
        try run({ query in Self.reply(query, query.isTCP ? records : [], flags: query.isTCP ? 0x8180 : 0x8380) }) {
            (live, server) throws in
            let question = DNSQuestion(.service, name("_sip._udp.example.com"))
            #expect(try live.ask(question) == .records(records, lifetime: 300))
            #expect(server.asked.map(\.isTCP) == [false, true])
        }
    }

    @Test(arguments: [(UInt16(0x8183), UInt32(40)), (0x8180, 20)])
    func `A name or a record that is absent is told, with how long that holds`(flags: UInt16, minimum: UInt32) throws {
        try run({ query in
            guard let question = query.question else { return nil }
            var writer = DNSMessageWriter(question)
            writer.id = query.id
            writer.flags = flags
            writer.addAuthority("example.com", lifetime: 3600, minimum: minimum)
            return writer.bytes
        }) { (live, _) throws in #expect(try live.ask(Self.question) == .absent(lifetime: minimum)) }
    }

    @Test(arguments: [UInt16(0x8182), 0x8185])
    func `A server that fails or refuses has not said that there is nothing`(flags: UInt16) throws {
        try run({ query in Self.reply(query, [], flags: flags) }) { (live, _) throws in
            #expect(try live.ask(Self.question) == .failed(.refused))
        }
    }

    @Test func `When one server fails the next is asked`() throws {
        try withLoops { group in
            let failing = try ScriptedNameServer(on: group) { Self.reply($0, [], flags: 0x8182) }
            let good = try ScriptedNameServer(on: group) { Self.reply($0, a("192.0.2.1")) }
            try LiveResolver.run(asking: [failing.server, good.server], on: group) { (live) throws in
                #expect(try live.ask(Self.question) == .records(a("192.0.2.1"), lifetime: 300))
            }
            #expect(!failing.asked.isEmpty && good.asked.count == 1)
            try failing.close()
            try good.close()
        }
    }

    @Test func `Nobody at the server's address is a refusal`() throws {
        try withLoops { group in
            let gone = try ScriptedNameServer(on: group) { _ in nil }
            try gone.close()
            try LiveResolver.run(asking: [gone.server], on: group) { (live) throws in
                #expect(try live.ask(Self.question) == .failed(.refused))
            }
        }
    }

    @Test func `A server that never answers is given up`() throws {
        try run({ _ in nil }) { (live, server) throws in
            #expect(try live.ask(Self.question) == .failed(.timedOut))
            #expect(server.asked.count == 2)
        }
    }

    @Test func `Answers with a wrong number, to other questions or full of nonsense are not taken`() throws {
        let count = NIOLockedValueBox(0)
        try run({ query in
            let number = count.withLockedValue { count in
                count += 1
                return count
            }
            var wrong = query.question.map { DNSMessageWriter($0) }
            wrong?.id = query.id ^ 1
            wrong?.add("example.com", .address(address("192.0.2.66")))
            return number == 1 ? wrong?.bytes : Self.reply(query, a("192.0.2.1"))
        }) { (live, server) throws in
            #expect(try live.ask(Self.question) == .records(a("192.0.2.1"), lifetime: 300))
            #expect(server.asked.count == 2, "it was asked again")
        }
        try run({ query in Self.reply(query, a("192.0.2.1")).map { Array($0.dropLast(2)) } }) { (live, _) throws in
            #expect(try live.ask(Self.question) == .failed(.malformed))
        }
    }

    @Test func `Stopping answers what is under way at once, and everything after`() throws {
        try run({ _ in nil }) { (live, server) throws in
            let asking = (0..<100).map { live.begin(DNSQuestion(.address4, name("a\($0).example.com"))) }
            live.stop()
            for future in asking { #expect(try future.wait() == .failed(.stopped)) }
            #expect(try live.ask(Self.question) == .failed(.stopped))
            live.stop()
        }
    }

    @Test func `Resolvers that come and go leave no descriptors and no threads`() throws {
        func count(_ folder: String) throws -> Int { try FileManager.default.contentsOfDirectory(atPath: folder).count }
        try withLoops { group in
            let server = try ScriptedNameServer(on: group) {
                $0.question?.name.description.first == "a" ? nil : Self.reply($0, a("192.0.2.1"))
            }

            // What other tests open meanwhile is far less than what these would leave.
            let before = try count("/proc/self/fd")
            for _ in 0..<300 {
                try LiveResolver.run(asking: [server.server], on: group) { (live) throws in
                    let silent = live.begin(DNSQuestion(.address4, name("a.example.com")))
                    #expect(
                        try live.ask(DNSQuestion(.address4, name("b.example.com")))
                            == .records(a("192.0.2.1"), lifetime: 300))
                    live.stop()
                    #expect(try silent.wait() == .failed(.stopped))
                }
            }
            #expect(try count("/proc/self/fd") < before + 200)

            try server.close()
        }
    }

    @Test func `Beyond the bound of questions the next fails at once`() throws {
        try run({ _ in nil }) { (live, _) throws in
            let asking = (0...CAresResolver.maximumUnderWay).map {
                live.begin(DNSQuestion(.address4, name("a\($0).example.com")))
            }
            #expect(try asking.last?.wait() == .failed(.overloaded))
            live.stop()
            #expect(try asking.first?.wait() == .failed(.stopped))
        }
    }
}
