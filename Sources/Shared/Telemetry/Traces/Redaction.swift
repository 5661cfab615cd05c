import JSONText

/// Takes out of a message what must not stand in a file (D56): passwords, HA1, secrets, tokens, session descriptions.
///
/// JSON keeps its shape: only the values are replaced. What is not JSON is cut short, and ends at the first word that
/// looks like the name of a secret.
enum Redaction {
    /// Bytes that are kept of what is not JSON.
    static let maximumUnparsable = 1024
    static let mask = Array("\"[redacted]\"".utf8)
    private static let mark = Array("[redacted]".utf8)

    /// Names whose value is secret, in lower case: those that are one of these, or end with one.
    private static let names: [[UInt8]] = ["password", "passwd", "secret", "token", "sdp", "sdps", "pwd", "ha1", "pin"]
        .map { Array($0.utf8) }
    /// Names whose value is an address, or several: a password may stand in it (RFC 3261 §19.1.1).
    private static let addresses: Set<[UInt8]> = Set(
        ["account", "uri", "username", "participants", "proxy", "outbound_proxy", "authuser", "callee"]
            .map { Array($0.utf8) })
    /// In a text that is no JSON, or inside a string: what follows one of these may be secret.
    private static let words: [[UInt8]] =
        names.filter { $0.count > 3 }
        // The end of a name, because many a word has it.
        + ["sdp", "pwd", "ha1", "v=0", "pin\"", "pin'", "pin=", "pin:"].map { Array($0.utf8) }

    static func redacted(_ message: [UInt8]) -> [UInt8] {
        do throws(JSONError) {
            _ = try JSONDocument(message, maximumDepth: 64)
        } catch {
            return unparsable(message)
        }
        return json(message)
    }

    // MARK: JSON

    /// - Parameter text: valid JSON; so a string before a colon is a name.
    private static func json(_ text: [UInt8]) -> [UInt8] {
        var redacted: [UInt8] = []
        redacted.reserveCapacity(text.count)
        var index = 0
        var isAddress = false
        while index < text.count {
            guard text[index] == UInt8(ascii: "\"") else {
                redacted.append(text[index])
                index += 1
                continue
            }
            let end = endOfString(text, index)
            let behind = skipBlanks(text, end)
            let content = unescaped(text[(index + 1)..<(end - 1)])
            guard behind < text.count, text[behind] == UInt8(ascii: ":") else {
                redacted +=
                    isSecret(value: content)
                    ? mask[...] : withoutPassword(text[index..<end], content, isAddress: isAddress)
                index = end
                continue
            }
            isAddress = addresses.contains(content.map(\.lowered))
            let value = skipBlanks(text, behind + 1)
            redacted += text[index..<value]
            index = value
            if isSecret(name: content) {
                redacted += mask
                index = endOfValue(text, value)
            }
        }
        return redacted
    }

    private static func isSecret(name: [Character8]) -> Bool {
        names.contains { $0.count <= name.count && name.suffix($0.count).map(\.lowered) == $0 }
    }

    /// A session description, or JSON in a string that has a secret.
    private static func isSecret(value: [Character8]) -> Bool {
        let bytes = value.map(\.lowered)
        return bytes.starts(with: Array("v=0".utf8)) || contains(bytes, Array("ice-pwd".utf8))
            || (bytes.contains(UInt8(ascii: "\"")) && words.contains { contains(bytes, $0) })
    }

    /// A string in which the password of an address is replaced: what is between the first colon behind the scheme and the
    /// last `@`.
    ///
    /// - Parameter isAddress: it is meant to be nothing else; otherwise one may stand among its words.
    private static func withoutPassword(
        _ string: ArraySlice<UInt8>, _ content: [Character8], isAddress: Bool
    ) -> ArraySlice<UInt8> {
        guard let at = content.lastIndex(where: { $0.byte == UInt8(ascii: "@") }) else { return string }
        let isBoundary: (Character8) -> Bool = { $0.byte <= 0x20 || "<>\"'".utf8.contains($0.byte) }
        let begin = isAddress ? 0 : content[..<at].lastIndex(where: isBoundary).map { $0 + 1 } ?? 0
        var user = content[begin..<at]
        while let colon = user.firstIndex(where: { $0.byte == UInt8(ascii: ":") }) {
            let scheme = user[..<colon].map(\.lowered).drop { $0 <= 0x20 }
            guard scheme.elementsEqual("sip".utf8) || scheme.elementsEqual("sips".utf8) else {
                return string[..<content[colon].end] + mark + string[content[at - 1].end...]
            }
            user = user[(colon + 1)...]
        }
        return string
    }

    /// Behind the closing quote.
    private static func endOfString(_ text: [UInt8], _ start: Int) -> Int {
        var index = start + 1
        while index < text.count, text[index] != UInt8(ascii: "\"") {
            index += text[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(index + 1, text.count)
    }

    private static func endOfValue(_ text: [UInt8], _ start: Int) -> Int {
        var depth = 0
        var index = start
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "\""):
                index = endOfString(text, index)
                if depth == 0 { return index }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                // The end of what a number or a word stands in.
                if depth == 0 { return index }
                depth -= 1
                if depth == 0 { return index + 1 }
            case UInt8(ascii: ","):
                if depth == 0 { return index }
            default: break
            }
            index += 1
        }
        return index
    }

    private static func skipBlanks(_ text: [UInt8], _ start: Int) -> Int {
        var index = start
        while index < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[index]) { index += 1 }
        return index
    }

    // MARK: What is not JSON

    private static func unparsable(_ message: [UInt8]) -> [UInt8] {
        let beginning = message.prefix(maximumUnparsable)
        let characters = unescaped(beginning)
        let bytes = characters.map(\.lowered)
        var end = beginning.endIndex
        var isRedacted = false
        for word in words {
            guard let found = position(of: word, in: bytes) else { continue }
            let last = characters[found + word.count - 1]
            guard last.end < end || !isRedacted else { continue }
            end = min(end, last.end)
            isRedacted = true
        }
        // On one line: it cannot look like another record.
        var text: [UInt8] = []
        for byte in message[..<end] { text.append(byte < 0x20 || byte == 0x7F ? UInt8(ascii: ".") : byte) }
        if isRedacted { text += mark }
        return text + Array(" (not JSON, \(message.count) bytes)".utf8)
    }

    // MARK: Escapes

    /// A character as JSON means it, as far as it is ASCII, and where it ends in the text. Others are no part of our words.
    private struct Character8 {
        let byte: UInt8
        let end: Int

        var lowered: UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte }
    }

    private static func unescaped(_ text: ArraySlice<UInt8>) -> [Character8] {
        var characters: [Character8] = []
        characters.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            var (byte, length) = (text[index], 1)
            if byte == UInt8(ascii: "\\"), index + 1 < text.endIndex {
                (byte, length) = (text[index + 1], 2)
                if byte == UInt8(ascii: "u"), index + 6 <= text.endIndex {
                    let digits = String(decoding: text[(index + 2)..<(index + 6)], as: UTF8.self)
                    if let unit = UInt16(digits, radix: 16) { (byte, length) = (UInt8(exactly: unit) ?? 0xFF, 6) }
                }
            }
            index += length
            characters.append(Character8(byte: byte, end: index))
        }
        return characters
    }

    private static func contains(_ text: [UInt8], _ word: [UInt8]) -> Bool { position(of: word, in: text) != nil }

    private static func position(of word: [UInt8], in text: [UInt8]) -> Int? {
        guard let first = word.first, text.count >= word.count else { return nil }
        for start in 0...(text.count - word.count) where text[start] == first {
            if text[start..<(start + word.count)].elementsEqual(word) { return start }
        }
        return nil
    }
}
