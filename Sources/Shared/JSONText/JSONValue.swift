/// One value in a ``JSONDocument``. Every accessor is strict: it answers nil for a value of another type.
public struct JSONValue: Sendable {
    let document: JSONDocument
    let index: Int

    private var node: Node { document.nodes[index] }

    public var isNull: Bool { node.kind == .null }
    public var isObject: Bool { node.kind == .object }
    public var isArray: Bool { node.kind == .array }
    public var isString: Bool { node.kind == .string }

    public var bool: Bool? {
        switch node.kind {
        case .yes: true
        case .no: false
        case .null, .number, .string, .array, .object: nil
        }
    }

    /// A number without fraction and exponent that fits.
    public func integer<Integer: FixedWidthInteger>(_ type: Integer.Type = Integer.self) -> Integer? {
        guard node.kind == .number else { return nil }
        return Integer(String(decoding: rawBytes, as: UTF8.self))
    }

    /// The text with its escapes resolved.
    public var string: String? {
        guard node.kind == .string else { return nil }
        let content = document.bytes[Int(node.start) + 1..<Int(node.end) - 1]
        guard node.hasEscapes else { return String(decoding: content, as: UTF8.self) }
        return String(decoding: Self.unescaped(content), as: UTF8.self)
    }

    /// U+0000 is part of the string. Many readers, Janus's among them, refuse such a text whole.
    public var hasNullCharacter: Bool { node.hasNull }

    /// The length of the text between the quotes, escapes unresolved, in bytes.
    public var rawLength: Int { Int(node.end - node.start) - 2 }

    /// The value's own text, for splicing into another JSON text.
    public var raw: RawJSON { RawJSON(verified: rawBytes) }

    private var rawBytes: ArraySlice<UInt8> { document.bytes[Int(node.start)..<Int(node.end)] }

    /// The member called `name`; of several the last. nil when absent, or when this is no object.
    public subscript(name: StaticString) -> JSONValue? {
        // In the arrays' own memory: a request is asked for some fifteen members.
        let found: Int? = document.nodes.withUnsafeBufferPointer { nodes in
            document.bytes.withUnsafeBufferPointer { bytes in
                guard nodes[index].kind == .object else { return nil }
                var found: Int?
                var child = index + 1
                let end = Int(nodes[index].next)
                while child < end {
                    let value = Int(nodes[child].next)
                    if isName(nodes[child], name, in: bytes) { found = value }
                    child = Int(nodes[value].next)
                }
                return found
            }
        }
        return found.map { JSONValue(document: document, index: $0) }
    }

    /// The members in order, names with their escapes resolved. Empty when this is no object.
    public var members: [(name: String, value: JSONValue)] {
        guard node.kind == .object else { return [] }
        var members: [(String, JSONValue)] = []
        var child = index + 1
        while child < Int(node.next) {
            let value = Int(document.nodes[child].next)
            members.append(
                (JSONValue(document: document, index: child).string ?? "", JSONValue(document: document, index: value)))
            child = Int(document.nodes[value].next)
        }
        return members
    }

    /// The elements in order. nil when this is no array.
    public var elements: [JSONValue]? {
        guard node.kind == .array else { return nil }
        var elements: [JSONValue] = []
        var child = index + 1
        while child < Int(node.next) {
            elements.append(JSONValue(document: document, index: child))
            child = Int(document.nodes[child].next)
        }
        return elements
    }

    private func isName(_ node: Node, _ name: StaticString, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let start = Int(node.start) + 1
        if node.hasEscapes {
            let content = document.bytes[start..<Int(node.end) - 1]
            return String(decoding: Self.unescaped(content), as: UTF8.self) == name.description
        }
        let length = Int(node.end) - 1 - start
        guard length == name.utf8CodeUnitCount else { return false }
        for offset in 0..<length where bytes[start + offset] != name.utf8Start[offset] { return false }
        return true
    }

    private static func unescaped(_ content: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(content.count)
        content.withUnsafeBufferPointer { text in
            var position = 0
            while position < text.count {
                guard text[position] == UInt8(ascii: "\\") else {
                    result.append(text[position])
                    position += 1
                    continue
                }
                // The reader has checked every escape of the document, so this cannot fail on a document's own text.
                guard let (value, end) = try? JSONEscape.read(text, at: position), let scalar = Unicode.Scalar(value)
                else {
                    preconditionFailure("an escape of a checked document is malformed")
                }
                result.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
                position = end
            }
        }
        return result
    }
}

/// A piece of JSON text that is known to be valid and is pure ASCII, for splicing into another text as it is.
public struct RawJSON: Hashable, Sendable, CustomStringConvertible {
    public let bytes: [UInt8]

    /// - Parameter verified: the text of one JSON value. What is not ASCII stands inside strings, so it is escaped there.
    init(verified: ArraySlice<UInt8>) {
        if verified.allSatisfy({ $0 < 0x80 }) {
            bytes = Array(verified)
        } else {
            var writer = JSONWriter()
            for scalar in String(decoding: verified, as: UTF8.self).unicodeScalars {
                if scalar.isASCII { writer.append(UInt8(scalar.value)) } else { writer.appendEscape(scalar) }
            }
            bytes = writer.bytes
        }
    }

    /// The JSON string for `text`.
    public init(string text: String) {
        var writer = JSONWriter()
        writer.value(text)
        bytes = writer.bytes
    }

    /// What `build` writes, which must be one value.
    public init(_ build: (inout JSONWriter) -> Void) {
        var writer = JSONWriter()
        build(&writer)
        bytes = writer.bytes
    }

    public var description: String { String(decoding: bytes, as: UTF8.self) }
}
