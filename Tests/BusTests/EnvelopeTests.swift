import Bus
import Identity
import NIOCore
import TestSupport
import Testing

@Suite struct EnvelopeTests {
    private func owner(_ incarnation: UInt64 = 0x0102_0304_0506_0708, loop: UInt16 = 0x2122) throws -> FrontdoorLoopID {
        FrontdoorLoopID(
            frontdoor: try #require(FrontdoorID(0x1112)), incarnation: Incarnation(rawValue: incarnation), loop: loop)
    }

    private func full() throws -> Envelope {
        Envelope(
            kind: .request, source: Incarnation(rawValue: 0x0102_0304_0506_0708),
            destination: Incarnation(rawValue: 0x3132_3334_3536_3738), link: 0x4142_4344,
            sequence: 0x5152_5354_5556_5758, acknowledged: 0x6162_6364_6566_6768,
            connection: ConnectionID(owner: try owner(), number: 0x7172_7374_7576_7778),
            request: RequestSequence(rawValue: 0x8182_8384_8586_8788), deadline: 0x9192_9394, isRepeat: true)
    }

    private let plain = Envelope(
        kind: .heartbeat, source: Incarnation(rawValue: 1), destination: Incarnation(rawValue: 0), link: 2, sequence: 3,
        acknowledged: 4)

    private func encoded(_ envelope: Envelope, body: String = "") -> ByteBuffer {
        var buffer = ByteBuffer()
        envelope.encode(into: &buffer)
        buffer.writeString(body)
        return buffer
    }

    private func hex(_ buffer: ByteBuffer) -> String {
        buffer.readableBytesView.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    private func decodingError(_ buffer: ByteBuffer) -> BusError? {
        var rest = buffer
        do throws(BusError) {
            _ = try Envelope.decode(from: &rest)
            return nil
        } catch {
            #expect(rest == buffer, "a message that cannot be read is left as it was")
            return error
        }
    }

    // MARK: Golden

    @Test func `every field has its place`() throws {
        #expect(
            hex(encoded(try full())) == """
                1003004a000f1112\
                0102030405060708\
                3132333435363738\
                5152535455565758\
                6162636465666768\
                4142434491929394\
                0102030405060708\
                7172737475767778\
                8182838485868788\
                2122
                """)
    }

    @Test func `what is not given is zero`() {
        #expect(
            hex(encoded(plain)) == """
                1009004a00000000\
                0000000000000001\
                0000000000000000\
                0000000000000003\
                0000000000000004\
                0000000200000000\
                0000000000000000\
                0000000000000000\
                0000000000000000\
                0000
                """)
    }

    @Test func `kinds have fixed numbers`() {
        #expect(MessageKind.allCases.map(\.rawValue) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
        #expect(
            MessageKind.allCases == [
                .hello, .list, .request, .answer, .event, .resynced, .release, .gone, .heartbeat,
                .invitation,
            ])
    }

    // MARK: Round trips

    @Test func `decoding gives back what was encoded and leaves the body`() throws {
        var buffer = encoded(try full(), body: #"{"sylkrtc":"ping"}"#)
        #expect(try Envelope.decode(from: &buffer) == full())
        #expect(String(buffer: buffer) == #"{"sylkrtc":"ping"}"#)
    }

    @Test func `random envelopes survive the way`() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<2_000 {
            let envelope = Envelope(
                kind: try #require(MessageKind.allCases.randomElement(using: &random)),
                source: Incarnation(rawValue: random.next()), destination: Incarnation(rawValue: random.next()),
                link: UInt32(truncatingIfNeeded: random.next()), sequence: max(1, random.next()),
                acknowledged: random.next(),
                connection: Bool.random(using: &random)
                    ? ConnectionID(
                        owner: try owner(random.next(), loop: UInt16(truncatingIfNeeded: random.next())),
                        number: random.next()) : nil,
                request: Bool.random(using: &random) ? RequestSequence(rawValue: random.next()) : nil,
                deadline: Bool.random(using: &random) ? UInt32(truncatingIfNeeded: random.next()) : nil,
                isRepeat: Bool.random(using: &random))
            var buffer = encoded(envelope, body: "x")
            #expect(try Envelope.decode(from: &buffer) == envelope)
            #expect(buffer.readableBytes == 1)
        }
    }

    // MARK: Versions

    @Test func `what a newer minor version appends is skipped`() throws {
        var bytes = Array(encoded(plain).readableBytesView)
        bytes[0] = 0x1F
        bytes[3] += 5
        bytes[4] = 0x80
        var buffer = ByteBuffer(bytes: bytes + [1, 2, 3, 4, 5] + Array("body".utf8))
        #expect(try Envelope.decode(from: &buffer) == plain)
        #expect(String(buffer: buffer) == "body")
    }

    @Test(arguments: [UInt8(0x00), 0x20, 0xF0]) func `another major version is refused`(version: UInt8) {
        var buffer = encoded(plain)
        buffer.setInteger(version, at: 0)
        #expect(decodingError(buffer) == .unsupportedVersion(version))
        #expect(decodingError(ByteBuffer(bytes: [version])) == .unsupportedVersion(version))
    }

    // MARK: Broken messages

    @Test func `a header cut anywhere is refused`() throws {
        let whole = encoded(try full())
        for length in 0..<whole.readableBytes {
            let cut = try #require(whole.getSlice(at: 0, length: length))
            #expect(decodingError(cut) == .truncatedHeader(needed: Envelope.encodedLength, available: length))
        }
    }

    @Test func `a header that lies about its length is refused`() {
        for length in [0, 1, 73] as [UInt16] {
            var buffer = encoded(plain)
            buffer.setInteger(length, at: 2)
            #expect(decodingError(buffer) == .headerTooShort(Int(length)))
        }
        for length in [75, UInt16.max] {
            var buffer = encoded(plain)
            buffer.setInteger(length, at: 2)
            #expect(decodingError(buffer) == .truncatedHeader(needed: Int(length), available: 74))
        }
    }

    @Test(arguments: [UInt8(0), 11, 255]) func `a kind of a newer version is read as one that is not known`(kind: UInt8)
        throws
    {
        var buffer = encoded(plain)
        buffer.setInteger(kind, at: 1)
        var expected = plain
        expected.kind = .unrecognized
        #expect(try Envelope.decode(from: &buffer) == expected)
    }

    @Test func `numbers that are never used are refused`() throws {
        var buffer = encoded(plain)
        buffer.setInteger(UInt64(0), at: 24)
        #expect(decodingError(buffer) == .illegalField(.sequence))
        buffer = encoded(try full())
        buffer.setInteger(UInt16(0), at: 6)
        #expect(decodingError(buffer) == .illegalField(.connection))
    }

    @Test func `a body may have the largest length and not a byte more`() throws {
        var buffer = encoded(plain)
        buffer.writeRepeatingByte(0, count: BusLimits.maximumBody)
        #expect(buffer.readableBytes == BusLimits.maximumMessage)
        #expect(decodingError(buffer) == nil)
        buffer.writeInteger(UInt8(0))
        #expect(decodingError(buffer) == .bodyTooLong(BusLimits.maximumBody + 1))
    }

    @Test func `no damage traps`() throws {
        var random = SeededGenerator(seed: 2)
        let whole = Array(encoded(try full(), body: "body").readableBytesView)
        var read = 0
        for round in 0..<20_000 {
            var bytes = whole
            for _ in 0...(round % 4) {
                bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
            }
            bytes.removeLast(Int.random(in: 0...3, using: &random) * Int.random(in: 0...20, using: &random))
            if decodingError(ByteBuffer(bytes: bytes)) == nil { read += 1 }
        }
        #expect(read > 0 && read < 20_000)
        for length in 0..<2_000 {
            let noise = (0..<length % 200).map { _ in UInt8.random(in: 0...255, using: &random) }
            _ = decodingError(ByteBuffer(bytes: noise))
        }
    }
}
