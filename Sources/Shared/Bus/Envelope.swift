import Identity
import NIOCore

/// What stands before the body of every message on the bus: a fixed header, all integers big-endian.
///
/// | Offset | Bytes | Field |
/// |---|---|---|
/// | 0 | 1 | version: major in the upper four bits (1), minor in the lower (0) |
/// | 1 | 1 | kind |
/// | 2 | 2 | length of the header, these bytes included |
/// | 4 | 2 | flags: 1 repeat, 2 connection, 4 request, 8 deadline are given; the others are 0 |
/// | 6 | 2 | connection: front door |
/// | 8 | 8 | source |
/// | 16 | 8 | destination |
/// | 24 | 8 | sequence |
/// | 32 | 8 | acknowledged |
/// | 40 | 4 | link |
/// | 44 | 4 | deadline |
/// | 48 | 8 | connection: incarnation of the front door |
/// | 56 | 8 | connection: number |
/// | 64 | 8 | request |
/// | 72 | 2 | connection: loop |
///
/// A field that is not given is 0. A newer minor version may append fields and define flags, which an older reader
/// skips. It may send other kinds, which an older reader passes over; whatever that must not ignore takes a new major version.
public struct Envelope: Equatable, Sendable {
    public var kind: MessageKind
    /// The sender's life.
    public var source: Incarnation
    /// The life that this is meant for; raw value 0 where the sender does not know it.
    public var destination: Incarnation
    /// The number of the link at the front door's loop.
    public var link: UInt32
    /// Counts from 1, per link and direction.
    public var sequence: UInt64
    /// The last sequence taken from the other side, all before it included; 0 before the first.
    public var acknowledged: UInt64
    /// Whom it concerns; nil for what concerns the link.
    public var connection: ConnectionID?
    /// The request it is, answers, or is caused by.
    public var request: RequestSequence?
    /// Milliseconds that were left when it was sent. Times do not travel: every host has its own clock.
    public var deadline: UInt32?
    /// This request was sent before, on a link that was lost.
    public var isRepeat: Bool

    public init(
        kind: MessageKind, source: Incarnation, destination: Incarnation, link: UInt32, sequence: UInt64,
        acknowledged: UInt64, connection: ConnectionID? = nil, request: RequestSequence? = nil,
        deadline: UInt32? = nil, isRepeat: Bool = false
    ) {
        self.kind = kind
        self.source = source
        self.destination = destination
        self.link = link
        self.sequence = sequence
        self.acknowledged = acknowledged
        self.connection = connection
        self.request = request
        self.deadline = deadline
        self.isRepeat = isRepeat
    }
}

extension Envelope {
    /// Bytes of the header that this version writes, and the fewest that it accepts.
    public static let encodedLength = 74

    private static let version: UInt8 = 0x10

    private struct Flags: OptionSet {
        let rawValue: UInt16
        static let `repeat` = Flags(rawValue: 1)
        static let connection = Flags(rawValue: 2)
        static let request = Flags(rawValue: 4)
        static let deadline = Flags(rawValue: 8)
    }

    /// The whole message: this header and then `body`.
    public func message(_ body: [UInt8]) -> ByteBuffer {
        var message = ByteBufferAllocator().buffer(capacity: Self.encodedLength + body.count)
        encode(into: &message)
        message.writeBytes(body)
        return message
    }

    /// Appends the header; the body follows.
    public func encode(into buffer: inout ByteBuffer) {
        var flags: Flags = isRepeat ? .repeat : []
        if connection != nil { flags.insert(.connection) }
        if request != nil { flags.insert(.request) }
        if deadline != nil { flags.insert(.deadline) }
        // In one piece: every single write to a buffer asks anew whether there is room, and whether it is shared.
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.encodedLength) { bytes in
            func put<Field: FixedWidthInteger>(_ value: Field, at offset: Int) {
                bytes.storeBytes(of: value.bigEndian, toByteOffset: offset, as: Field.self)
            }
            put(Self.version, at: 0)
            put(kind.rawValue, at: 1)
            put(UInt16(Self.encodedLength), at: 2)
            put(flags.rawValue, at: 4)
            put(connection?.owner.frontdoor.number ?? 0, at: 6)
            put(source.rawValue, at: 8)
            put(destination.rawValue, at: 16)
            put(sequence, at: 24)
            put(acknowledged, at: 32)
            put(link, at: 40)
            put(deadline ?? 0, at: 44)
            put(connection?.owner.incarnation.rawValue ?? 0, at: 48)
            put(connection?.number ?? 0, at: 56)
            put(request?.rawValue ?? 0, at: 64)
            put(connection?.owner.loop ?? 0, at: 72)
            return Self.encodedLength
        }
    }

    /// Takes the header from the front of a message and leaves the body in `buffer`.
    ///
    /// - Throws: one of the message errors; `buffer` is then as it was.
    public static func decode(from buffer: inout ByteBuffer) throws(BusError) -> Envelope {
        var rest = buffer
        let envelope = try decodeHeader(&rest)
        guard rest.readableBytes <= BusLimits.maximumBody else { throw .bodyTooLong(rest.readableBytes) }
        buffer = rest
        return envelope
    }

    private static func decodeHeader(_ buffer: inout ByteBuffer) throws(BusError) -> Envelope {
        let available = buffer.readableBytes
        // The version comes first: of another major version not even the header's shortest length is known.
        if let version: UInt8 = buffer.getInteger(at: buffer.readerIndex), version >> 4 != Self.version >> 4 {
            throw .unsupportedVersion(version)
        }
        guard
            let (_, kind, length, flags, frontdoor, source, destination, sequence, acknowledged, link, deadline) =
                buffer.readMultipleIntegers(
                    as: (
                        UInt8, UInt8, UInt16, UInt16, UInt16, UInt64, UInt64, UInt64, UInt64, UInt32, UInt32
                    ).self),
            let (incarnation, number, request, loop) =
                buffer.readMultipleIntegers(as: (UInt64, UInt64, UInt64, UInt16).self)
        else { throw .truncatedHeader(needed: encodedLength, available: available) }

        guard length >= encodedLength else { throw .headerTooShort(Int(length)) }
        guard length <= available else { throw .truncatedHeader(needed: Int(length), available: available) }
        buffer.moveReaderIndex(forwardBy: Int(length) - encodedLength)

        guard sequence > 0 else { throw .illegalField(.sequence) }
        let given = Flags(rawValue: flags)
        var connection: ConnectionID?
        if given.contains(.connection) {
            guard let frontdoor = FrontdoorID(Int(frontdoor)) else { throw .illegalField(.connection) }
            connection = ConnectionID(
                owner: FrontdoorLoopID(
                    frontdoor: frontdoor, incarnation: Incarnation(rawValue: incarnation), loop: loop),
                number: number)
        }
        return Envelope(
            kind: MessageKind(rawValue: kind) ?? .unrecognized, source: Incarnation(rawValue: source),
            destination: Incarnation(rawValue: destination),
            link: link, sequence: sequence, acknowledged: acknowledged, connection: connection,
            request: given.contains(.request) ? RequestSequence(rawValue: request) : nil,
            deadline: given.contains(.deadline) ? deadline : nil, isRepeat: given.contains(.repeat))
    }
}
