/// A JSON text, read once and whole (RFC 8259), whose values are looked at in place.
///
/// Reading checks everything: grammar, UTF-8, depth, escapes, and that no escape is half of a surrogate pair (other readers
/// down the line refuse those). Values are slices of the original text, so that an SDP of several kilobytes can be passed
/// on as it is (``JSONValue/raw``) and is never unescaped and escaped again.
public struct JSONDocument: Sendable {
    /// One reference for both: every value that is handed around holds it.
    private final class Content: Sendable {
        let bytes: [UInt8]
        let nodes: [Node]

        init(_ bytes: [UInt8], _ nodes: [Node]) {
            self.bytes = bytes
            self.nodes = nodes
        }
    }

    private let content: Content

    var bytes: [UInt8] { content.bytes }
    var nodes: [Node] { content.nodes }

    /// Reads `bytes`.
    ///
    /// - Parameter maximumDepth: how many arrays and objects may be nested; 1 is a scalar in one array.
    /// - Throws: ``JSONError`` naming the first byte that is wrong. Nothing in `bytes` can trap.
    public init(_ bytes: [UInt8], maximumDepth: Int = 32) throws(JSONError) {
        var reader = JSONReader(maximumDepth: maximumDepth)
        let outcome = bytes.withUnsafeBufferPointer { buffer in reader.read(buffer) }
        if let error = outcome { throw error }
        content = Content(bytes, reader.nodes)
    }

    public var root: JSONValue { JSONValue(document: self, index: 0) }
}

/// Why a text is not JSON, and where.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Problem: String, Sendable {
        case empty = "is empty"
        case tooLarge = "is larger than 2 GiB"
        case tooDeep = "is nested too deeply"
        case unexpectedByte = "has an unexpected byte"
        case unexpectedEnd = "ends too early"
        case trailingBytes = "goes on after its value"
        case badNumber = "has a malformed number"
        case badEscape = "has a malformed escape"
        case loneSurrogate = "has half a surrogate pair"
        case controlCharacter = "has a control character in a string"
        case badUTF8 = "is not UTF-8"
    }

    public let problem: Problem
    /// Offset in bytes.
    public let offset: Int

    public var description: String { "the text \(problem.rawValue) (byte \(offset))" }
}

/// One value of a document, in document order. A member of an object is two nodes, its name and its value.
struct Node: Sendable {
    enum Kind: UInt8, Sendable {
        case null, no, yes, number, string, array, object
    }

    var kind: Kind
    /// Only of strings: they differ from their raw text.
    var hasEscapes = false
    /// Only of strings: U+0000 is in them.
    var hasNull = false
    /// Raw text, quotes and brackets included: `start..<end`.
    var start: Int32
    var end: Int32
    /// The node behind this one and all it contains.
    var next: Int32
}
