import Identity
import TestSupport
import Testing

/// Derived numbers are stable for ever: a process of tomorrow's version finds what today's has left in Janus.
///
/// Golden values: `int.from_bytes(hmac.new(deployment, message, "sha256").digest()[:8], "big") >> 11` in Python.
@Suite struct DerivedIdentityTests {
    @Test(arguments: [
        ("default", "node1/1", 6_983_488_120_110_765), ("default", "node1/2", 4_410_367_102_060_603),
        ("staging", "node1/1", 2_233_521_547_924_190),
        (
            "dddddddddddddddddddddddddddddddd", "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn/999",
            4_377_087_915_171_700
        ),
    ])
    func `A slot's Janus session is always the same`(deployment: String, slot: String, number: UInt64) throws {
        let id = JanusSessionID.of(try #require(SlotID(slot)), in: try #require(DeploymentID(deployment)))
        #expect(id.rawValue == number)
        #expect(id.description == String(number))
    }

    @Test(arguments: [
        ("default", "f1.a.0.1.1", 6_430_585_650_213_349), ("default", "f1.a.0.1.2", 2_946_210_666_387_023),
        ("default", "f7.m0abc123.3.12.4", 7_749_040_827_002_797), ("staging", "f1.a.0.1.1", 1_984_585_261_638_083),
        (
            "default", "f65535.3w5e11264sgsf.65535.18446744073709551615.18446744073709551615",
            947_925_117_571_761
        ),
    ])
    func `A session's publisher id is always the same`(deployment: String, session: String, number: UInt64) throws {
        let id = PublisherID.of(try #require(SessionID(session)), in: try #require(DeploymentID(deployment)))
        #expect(id.rawValue == number)
        #expect(id.description == String(number))
    }

    @Test(arguments: [
        ("default", "f1.a.0.1.1", "jzns42cdve-ntyucxsp2"),
        ("default", "f7.m0abc123.3.12.4", "2ca8on9nfjz-z6bhkyk6kv"),
        ("staging", "f1.a.0.1.1", "squs3qips0-2k3zvfmepn"),
    ])
    func `A call's Call-ID is always the same, and a token of SIP`(
        deployment: String, session: String, text: String
    ) throws {
        let id = SIPCallID.of(try #require(SessionID(session)), in: try #require(DeploymentID(deployment)))
        #expect(id.description == text)
        #expect(id.description.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
    }

    @Test func `A call that comes in has a number beyond those of requests, which fits a signed integer`() {
        var random = SeededGenerator(seed: 5)
        var seen: Set<RequestSequence> = []
        for _ in 0..<1000 {
            let number = RequestSequence.ofIncomingCall(using: &random)
            #expect(number.isOfIncomingCall && Int64(exactly: number.rawValue) != nil)
            seen.insert(number)
        }
        #expect(seen.count == 1000)
        for (number, isCall) in [
            (0, false), (1, false), (1 << 62 - 1, false), (1 << 62, true), (1 << 63 - 1, true), (1 << 63, false),
            (UInt64.max, false),
        ] as [(UInt64, Bool)] {
            #expect(RequestSequence(rawValue: number).isOfIncomingCall == isCall, "\(number)")
        }
    }

    @Test func `Derived ids have 53 bits, are never 0 and differ`() throws {
        let deployment = try #require(DeploymentID("default"))
        let connection = try #require(ConnectionID("f1.a.0.1"))
        var seen: Set<UInt64> = []
        for number in 1...2000 as ClosedRange<UInt64> {
            let session = SessionID(connection: connection, request: RequestSequence(rawValue: number))
            let id = PublisherID.of(session, in: deployment).rawValue
            #expect((1..<(1 << 53)).contains(id))
            seen.insert(id)
        }
        #expect(seen.count == 2000)
    }

    @Test func `D40 A room's number is drawn from 1 to 2^53 - 1`() {
        var random = SeededGenerator(seed: 2)
        for _ in 0..<1000 {
            #expect((1..<(1 << 53)).contains(JanusRoomID.random(using: &random).rawValue))
        }
        var largest = LargestGenerator()
        #expect(JanusRoomID.random(using: &largest).rawValue == (1 << 53) - 1)
    }

    @Test func `Handles keep all 64 bits in their text`() {
        #expect(JanusHandleID(rawValue: .max).description == "18446744073709551615")
        #expect(JanusHandleID(rawValue: (1 << 53) + 1).description == "9007199254740993")
    }
}

private struct LargestGenerator: RandomNumberGenerator {
    mutating func next() -> UInt64 { .max }
}
