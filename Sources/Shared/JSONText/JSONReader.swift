/// Fills the flat list of nodes of a document. A recursive descent, bounded by the maximum depth.
struct JSONReader {
    let maximumDepth: Int
    private(set) var nodes: [Node] = []

    init(maximumDepth: Int) {
        self.maximumDepth = maximumDepth
        nodes.reserveCapacity(32)
    }

    /// - Returns: what is wrong, or nil.
    mutating func read(_ text: UnsafeBufferPointer<UInt8>) -> JSONError? {
        guard text.count < Int(Int32.max) else { return JSONError(problem: .tooLarge, offset: 0) }
        do throws(JSONError) {
            var position = Self.skipSpace(text, from: 0)
            guard position < text.count else { throw JSONError(problem: .empty, offset: position) }
            position = try value(text, at: position, depth: 0)
            position = Self.skipSpace(text, from: position)
            guard position == text.count else { throw JSONError(problem: .trailingBytes, offset: position) }
            return nil
        } catch {
            return error
        }
    }

    private mutating func value(_ text: UnsafeBufferPointer<UInt8>, at start: Int, depth: Int) throws(JSONError) -> Int
    {
        guard start < text.count else { throw JSONError(problem: .unexpectedEnd, offset: start) }
        switch text[start] {
        case UInt8(ascii: "{"): return try object(text, at: start, depth: depth + 1)
        case UInt8(ascii: "["): return try array(text, at: start, depth: depth + 1)
        case UInt8(ascii: "\""): return try string(text, at: start)
        case UInt8(ascii: "t"): return try literal("true", .yes, text, at: start)
        case UInt8(ascii: "f"): return try literal("false", .no, text, at: start)
        case UInt8(ascii: "n"): return try literal("null", .null, text, at: start)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number(text, at: start)
        default: throw JSONError(problem: .unexpectedByte, offset: start)
        }
    }

    private mutating func object(_ text: UnsafeBufferPointer<UInt8>, at start: Int, depth: Int) throws(JSONError) -> Int
    {
        guard depth <= maximumDepth else { throw JSONError(problem: .tooDeep, offset: start) }
        let index = open(.object, at: start)
        var position = Self.skipSpace(text, from: start + 1)
        if position < text.count, text[position] == UInt8(ascii: "}") { return close(index, at: position + 1) }
        while true {
            guard position < text.count else { throw JSONError(problem: .unexpectedEnd, offset: position) }
            guard text[position] == UInt8(ascii: "\"") else {
                throw JSONError(problem: .unexpectedByte, offset: position)
            }
            position = Self.skipSpace(text, from: try string(text, at: position))
            position = Self.skipSpace(text, from: try expect(UInt8(ascii: ":"), text, at: position))
            position = Self.skipSpace(text, from: try value(text, at: position, depth: depth))
            if position < text.count, text[position] == UInt8(ascii: "}") { return close(index, at: position + 1) }
            position = Self.skipSpace(text, from: try expect(UInt8(ascii: ","), text, at: position))
        }
    }

    private mutating func array(_ text: UnsafeBufferPointer<UInt8>, at start: Int, depth: Int) throws(JSONError) -> Int
    {
        guard depth <= maximumDepth else { throw JSONError(problem: .tooDeep, offset: start) }
        let index = open(.array, at: start)
        var position = Self.skipSpace(text, from: start + 1)
        if position < text.count, text[position] == UInt8(ascii: "]") { return close(index, at: position + 1) }
        while true {
            position = Self.skipSpace(text, from: try value(text, at: position, depth: depth))
            if position < text.count, text[position] == UInt8(ascii: "]") { return close(index, at: position + 1) }
            position = Self.skipSpace(text, from: try expect(UInt8(ascii: ","), text, at: position))
        }
    }

    private mutating func open(_ kind: Node.Kind, at start: Int) -> Int {
        nodes.append(Node(kind: kind, start: Int32(start), end: 0, next: 0))
        return nodes.count - 1
    }

    private mutating func close(_ index: Int, at end: Int) -> Int {
        nodes[index].end = Int32(end)
        nodes[index].next = Int32(nodes.count)
        return end
    }

    private mutating func scalar(_ kind: Node.Kind, _ range: Range<Int>) -> Int {
        nodes.append(
            Node(kind: kind, start: Int32(range.lowerBound), end: Int32(range.upperBound), next: Int32(nodes.count + 1))
        )
        return range.upperBound
    }

    private mutating func literal(
        _ word: StaticString, _ kind: Node.Kind, _ text: UnsafeBufferPointer<UInt8>, at start: Int
    ) throws(JSONError) -> Int {
        for offset in 0..<word.utf8CodeUnitCount {
            guard start + offset < text.count else { throw JSONError(problem: .unexpectedEnd, offset: text.count) }
            guard text[start + offset] == word.utf8Start[offset] else {
                throw JSONError(problem: .unexpectedByte, offset: start + offset)
            }
        }
        return scalar(kind, start..<start + word.utf8CodeUnitCount)
    }

    private mutating func number(_ text: UnsafeBufferPointer<UInt8>, at start: Int) throws(JSONError) -> Int {
        var position = start
        func digits() -> Int {
            let first = position
            while position < text.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[position]) {
                position += 1
            }
            return position - first
        }
        if text[position] == UInt8(ascii: "-") { position += 1 }
        let leadingZero = position < text.count && text[position] == UInt8(ascii: "0")
        let whole = digits()
        guard whole > 0, !(leadingZero && whole > 1) else { throw JSONError(problem: .badNumber, offset: start) }
        if position < text.count, text[position] == UInt8(ascii: ".") {
            position += 1
            guard digits() > 0 else { throw JSONError(problem: .badNumber, offset: start) }
        }
        if position < text.count, text[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < text.count, text[position] == UInt8(ascii: "+") || text[position] == UInt8(ascii: "-") {
                position += 1
            }
            guard digits() > 0 else { throw JSONError(problem: .badNumber, offset: start) }
        }
        return scalar(.number, start..<position)
    }

    private mutating func string(_ text: UnsafeBufferPointer<UInt8>, at start: Int) throws(JSONError) -> Int {
        var position = start + 1
        var (hasEscapes, hasNull, isASCII) = (false, false, true)
        while true {
            position = Self.skipPlain(text, from: position)
            guard position < text.count else { throw JSONError(problem: .unexpectedEnd, offset: position) }
            let byte = text[position]
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                let (scalar, end) = try JSONEscape.read(text, at: position)
                if scalar == 0 { hasNull = true }
                position = end
            } else {
                guard byte >= 0x20 else { throw JSONError(problem: .controlCharacter, offset: position) }
                if byte >= 0x80 { isASCII = false }
                position += 1
            }
        }
        if !isASCII {
            let content = UnsafeBufferPointer(rebasing: text[(start + 1)..<position])
            guard String(validating: content, as: UTF8.self) != nil else {
                throw JSONError(problem: .badUTF8, offset: start)
            }
        }
        let end = scalar(.string, start..<position + 1)
        nodes[nodes.count - 1].hasEscapes = hasEscapes
        nodes[nodes.count - 1].hasNull = hasNull
        return end
    }

    private func expect(_ byte: UInt8, _ text: UnsafeBufferPointer<UInt8>, at position: Int) throws(JSONError) -> Int {
        guard position < text.count else { throw JSONError(problem: .unexpectedEnd, offset: position) }
        guard text[position] == byte else { throw JSONError(problem: .unexpectedByte, offset: position) }
        return position + 1
    }

    /// Passes over what is neither a quote nor an escape nor a control character nor beyond ASCII, eight bytes at a time as
    /// long as that goes.
    private static func skipPlain(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        let bytes = UnsafeRawBufferPointer(text)
        let (ones, tops): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
        var position = start
        while position + 8 <= text.count {
            let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            // A top bit is set where a byte is less than 0x20, or equal to the quote or the backslash, or has its own set.
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            let found = (word &- ones &* 0x20) | (quote &- ones) | (backslash &- ones) | word
            guard found & tops == 0 else { break }
            position += 8
        }
        while position < text.count {
            switch text[position] {
            case 0x20...0x21, 0x23...0x5B, 0x5D...0x7F: position += 1
            default: return position
            }
        }
        return position
    }

    private static func skipSpace(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var position = start
        while position < text.count {
            switch text[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return position
            }
        }
        return position
    }
}

/// One escape sequence inside a string.
enum JSONEscape {
    /// - Returns: the Unicode scalar value and the offset behind the escape (behind both halves of a surrogate pair).
    static func read(_ text: UnsafeBufferPointer<UInt8>, at start: Int) throws(JSONError) -> (UInt32, Int) {
        guard start + 1 < text.count else { throw JSONError(problem: .unexpectedEnd, offset: text.count) }
        switch text[start + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return (UInt32(text[start + 1]), start + 2)
        case UInt8(ascii: "b"): return (0x08, start + 2)
        case UInt8(ascii: "f"): return (0x0C, start + 2)
        case UInt8(ascii: "n"): return (0x0A, start + 2)
        case UInt8(ascii: "r"): return (0x0D, start + 2)
        case UInt8(ascii: "t"): return (0x09, start + 2)
        case UInt8(ascii: "u"): break
        default: throw JSONError(problem: .badEscape, offset: start)
        }
        let first = try hexadecimal(text, at: start + 2)
        switch first {
        case 0xDC00...0xDFFF: throw JSONError(problem: .loneSurrogate, offset: start)
        case 0xD800...0xDBFF:
            guard start + 7 < text.count, text[start + 6] == UInt8(ascii: "\\"), text[start + 7] == UInt8(ascii: "u")
            else {
                throw JSONError(problem: .loneSurrogate, offset: start)
            }
            let second = try hexadecimal(text, at: start + 8)
            guard (0xDC00...0xDFFF).contains(second) else { throw JSONError(problem: .loneSurrogate, offset: start) }
            return (0x10000 + (first - 0xD800) << 10 + (second - 0xDC00), start + 12)
        default: return (first, start + 6)
        }
    }

    private static func hexadecimal(_ text: UnsafeBufferPointer<UInt8>, at start: Int) throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for offset in start..<start + 4 {
            guard offset < text.count else { throw JSONError(problem: .unexpectedEnd, offset: text.count) }
            let byte = text[offset]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw JSONError(problem: .badEscape, offset: offset)
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}
