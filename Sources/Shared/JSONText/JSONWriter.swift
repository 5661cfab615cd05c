/// Writes one JSON text, pure ASCII, without white space, into a growing buffer.
///
/// It is straight-line code on purpose: a generic encoder takes three to ten times as long for the same text.
public struct JSONWriter {
    public private(set) var bytes: [UInt8] = []
    /// A comma is due before the next member or element.
    private var needsComma = false

    public init() { bytes.reserveCapacity(256) }

    public mutating func object(_ content: (inout JSONWriter) -> Void) {
        separate()
        bytes.append(UInt8(ascii: "{"))
        content(&self)
        bytes.append(UInt8(ascii: "}"))
        needsComma = true
    }

    public mutating func array(_ content: (inout JSONWriter) -> Void) {
        separate()
        bytes.append(UInt8(ascii: "["))
        content(&self)
        bytes.append(UInt8(ascii: "]"))
        needsComma = true
    }

    /// Begins a member; its value follows.
    public mutating func name(_ name: StaticString) {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
        isAfterName = true
    }

    public mutating func member(_ name: StaticString, _ value: String) {
        self.name(name)
        self.value(value)
    }

    public mutating func member(_ name: StaticString, _ value: some FixedWidthInteger) {
        self.name(name)
        self.value(value)
    }

    public mutating func member(_ name: StaticString, _ value: Bool) {
        self.name(name)
        self.value(value)
    }

    public mutating func member(_ name: StaticString, _ value: RawJSON) {
        self.name(name)
        self.value(value)
    }

    public mutating func object(_ name: StaticString, _ content: (inout JSONWriter) -> Void) {
        self.name(name)
        object(content)
    }

    public mutating func array(_ name: StaticString, _ content: (inout JSONWriter) -> Void) {
        self.name(name)
        array(content)
    }

    public mutating func null(_ name: StaticString) {
        self.name(name)
        null()
    }

    public mutating func null() {
        separate()
        bytes.append(contentsOf: "null".utf8)
        needsComma = true
    }

    public mutating func value(_ value: Bool) {
        separate()
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
        needsComma = true
    }

    public mutating func value(_ value: some FixedWidthInteger) {
        separate()
        bytes.append(contentsOf: String(value).utf8)
        needsComma = true
    }

    public mutating func value(_ value: RawJSON) {
        separate()
        bytes.append(contentsOf: value.bytes)
        needsComma = true
    }

    public mutating func value(_ value: String) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        if !appendPlain(value) { appendEscaped(value) }
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// Most texts are written as they are, and in one piece.
    ///
    /// - Returns: false when something in the text has to be escaped; nothing was written then.
    private mutating func appendPlain(_ value: String) -> Bool {
        var value = value
        return value.withUTF8 { text in
            let isPlain = text.allSatisfy { byte in
                switch byte {
                case 0x20...0x21, 0x23...0x5B, 0x5D...0x7E: true
                default: false
                }
            }
            if isPlain { bytes.append(contentsOf: text) }
            return isPlain
        }
    }

    private mutating func appendEscaped(_ value: String) {
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(UInt8(scalar.value))
            case "\n": bytes.append(contentsOf: "\\n".utf8)
            case "\r": bytes.append(contentsOf: "\\r".utf8)
            case "\t": bytes.append(contentsOf: "\\t".utf8)
            case " "..."~": bytes.append(UInt8(scalar.value))
            default: appendEscape(scalar)
            }
        }
    }

    private var isAfterName = false

    private mutating func separate() {
        if needsComma && !isAfterName { bytes.append(UInt8(ascii: ",")) }
        needsComma = false
        isAfterName = false
    }

    mutating func append(_ byte: UInt8) { bytes.append(byte) }

    /// `\uXXXX`, two of them beyond the basic plane.
    mutating func appendEscape(_ scalar: Unicode.Scalar) {
        for unit in UTF16.encode(scalar).map(Array.init) ?? [] {
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(UInt8(ascii: "u"))
            for shift in [12, 8, 4, 0] {
                let digit = UInt8(truncatingIfNeeded: unit >> UInt16(shift)) & 0xF
                bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            }
        }
    }
}
