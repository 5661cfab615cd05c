/// The parts of a SIP or SIPS URI that a gateway looks at (RFC 3261 §19.1.1, §25.1), read strictly.
///
/// The scheme may be absent, as in the addresses that people type. Parameters and headers are checked for their
/// characters; of them only `transport` is looked at.
public struct SIPURI: Hashable, Sendable {
    /// Escapes (`%40`) stay as written. nil when the URI names only a host.
    public let user: String?
    /// A host name, an IPv4 address, or an IPv6 reference with its brackets.
    public let host: String
    public let port: UInt16?
    /// `sips:`
    public let isSecure: Bool
    /// The parameter `transport`, in lower case; whatever was written.
    public let transport: String?

    public init?(_ text: String) {
        var rest = text[...]
        var isSecure = false
        for scheme in ["sips:", "sip:"] where rest.utf8.count >= scheme.utf8.count {
            if rest.prefix(scheme.count).lowercased() == scheme {
                rest = rest.dropFirst(scheme.count)
                isSecure = scheme == "sips:"
                break
            }
        }
        guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }

        if let at = rest.lastIndex(of: "@") {
            let userInfo = rest[..<at]
            let user = userInfo.prefix { $0 != ":" }
            let password = userInfo.dropFirst(user.count).dropFirst()
            guard !user.isEmpty, Self.isEscaped(user, besides: "-_.!~*'()&=+$,;?/"),
                Self.isEscaped(password, besides: "-_.!~*'()&=+$,")
            else { return nil }
            // `sip:sip:alice@…` has a scheme too many, it does not mean a user `sip` with the password `alice`.
            guard user.count == userInfo.count || !["sip", "sips"].contains(user.lowercased()) else { return nil }
            self.user = String(user)
            rest = rest[rest.index(after: at)...]
        } else {
            user = nil
        }

        let hostPort = rest.prefix { $0 != ";" && $0 != "?" }
        let behind = rest.dropFirst(hostPort.count)
        guard Self.isEscaped(behind, besides: "-_.!~*'()&=+$,;?/:[]") else { return nil }
        self.isSecure = isSecure
        transport = Self.parameter("transport", in: behind.prefix { $0 != "?" })

        let host: Substring
        if hostPort.first == "[" {
            guard let close = hostPort.firstIndex(of: "]") else { return nil }
            host = hostPort[...close]
            let inside = host.dropFirst().dropLast()
            guard inside.contains(":"), inside.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else {
                return nil
            }
        } else {
            host = hostPort.prefix { $0 != ":" }
            guard Self.isHostName(host) else { return nil }
        }
        self.host = String(host)

        let afterHost = hostPort.dropFirst(host.count)
        if afterHost.isEmpty {
            port = nil
        } else {
            guard afterHost.first == ":", afterHost.dropFirst().utf8.allSatisfy(\.isDigit),
                let port = UInt16(afterHost.dropFirst()), port > 0
            else { return nil }
            self.port = port
        }
    }

    /// The value of the first parameter of that name, in lower case; nil: there is none, or it has no value.
    private static func parameter(_ name: String, in parameters: Substring) -> String? {
        for parameter in parameters.split(separator: ";") {
            let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, parts[0].lowercased() == name { return parts[1].lowercased() }
        }
        return nil
    }

    /// Letters, digits and the characters named, and `%` only before two hexadecimal digits.
    private static func isEscaped(_ text: Substring, besides marks: String) -> Bool {
        var bytes = text.utf8.makeIterator()
        while let byte = bytes.next() {
            if byte == UInt8(ascii: "%") {
                guard let first = bytes.next(), let second = bytes.next(), first.isHexDigit, second.isHexDigit else {
                    return false
                }
            } else if !byte.isAlphanumeric && !marks.utf8.contains(byte) {
                return false
            }
        }
        return true
    }

    /// Dot-separated labels of letters, digits, `-` and `_`, none empty but for a final dot, none at its ends a dash.
    private static func isHostName(_ text: Substring) -> Bool {
        let labels = (text.last == "." ? text.dropLast() : text).split(separator: ".", omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { $0.isAlphanumeric || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        }
    }
}

extension String {
    /// A URI, or what was meant for one, without the password that may stand in it: what is between the first colon behind the
    /// scheme and the last `@`. Whatever repeats an address to anybody goes through this.
    ///
    /// - Parameter mask: stands in its place, behind the colon; nil: nothing does.
    public func withoutPassword(_ mask: String? = nil) -> String {
        guard let at = lastIndex(of: "@") else { return self }
        var user = self[..<at].drop { !$0.isLetter && !$0.isNumber }
        var hasScheme = true
        while hasScheme {
            hasScheme = false
            if let slashes = user.firstRange(of: "://"),
                user[..<slashes.lowerBound].allSatisfy({ $0.isLetter || $0.isNumber })
            {
                user = user[slashes.upperBound...]
                hasScheme = true
            }
            for scheme in ["sips:", "sip:"] where user.prefix(scheme.count).lowercased() == scheme {
                user = user.dropFirst(scheme.count)
                hasScheme = true
            }
        }
        guard let colon = user.firstIndex(of: ":") else { return self }
        return self[..<colon] + (mask.map { ":\($0)" } ?? "") + self[at...]
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    var isAlphanumeric: Bool {
        isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
    }

    var isHexDigit: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self | 0x20) }
}
