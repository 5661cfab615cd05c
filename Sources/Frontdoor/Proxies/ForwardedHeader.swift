import Identity

/// Somebody who has passed a request on, as the next one has seen him.
struct Hop: Equatable, Sendable {
    let address: IPAddress
    var port: UInt16?

    /// `192.0.2.1`, `192.0.2.1:4711`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
    init?(_ text: some StringProtocol) {
        var host = Substring(text)
        var rest: Substring?
        if host.first == "[" {
            guard let end = host.firstIndex(of: "]") else { return nil }
            rest = host[host.index(after: end)...]
            host = host[host.index(after: host.startIndex)..<end]
            guard host.contains(":") else { return nil }
        } else if let colon = host.firstIndex(of: ":") {
            rest = host[colon...]
            host = host[..<colon]
        }
        guard let address = IPAddress(host) else { return nil }
        self.address = address
        guard let rest, !rest.isEmpty else { return }
        let digits = rest.dropFirst()
        guard rest.first == ":", digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits)
        else {
            return nil
        }
        self.port = port
    }

    init(address: IPAddress, port: UInt16? = nil) {
        self.address = address
        self.port = port
    }
}

/// The two headers by which proxies say whom they speak for. Every hop of a field in its order; nil: one that is no address,
/// because it is hidden (`unknown`, `_name`) or malformed.
enum ForwardedHeader {
    /// `X-Forwarded-For`: addresses, an IPv6 one with brackets or without.
    static func plainHops(_ field: String) -> [Hop?] {
        field.split(separator: ",", omittingEmptySubsequences: false).map { element in
            let text = trimmed(element)
            return IPAddress(text).map { Hop(address: $0) } ?? Hop(text)
        }
    }

    /// `Forwarded` (RFC 7239 §4): elements of `name=value` pairs, of which `for` is the hop. With quotes that do not end
    /// nothing can be told apart.
    static func hops(_ field: String) -> [Hop?] {
        var hops: [Hop?] = []
        for element in split(field, at: ",") ?? [""] {
            // Nobody may hide a hop in an element that names two.
            let named = (split(element, at: ";") ?? []).compactMap { pair -> Substring? in
                let text = trimmed(pair[...])
                return text.lowercased().hasPrefix("for=") ? text.dropFirst(4) : nil
            }
            hops.append(named.count == 1 ? unquoted(named[0]).flatMap { node($0) } : nil)
        }
        return hops
    }

    /// A node (§6): an IPv6 address stands in brackets.
    private static func node(_ text: String) -> Hop? { Hop(text) }

    /// The parts between separators outside of quoted strings (RFC 9110 §5.6.4); nil: a quote does not end.
    private static func split(_ text: String, at separator: Unicode.Scalar) -> [String]? {
        var parts: [String] = []
        var part = String.UnicodeScalarView()
        var isQuoted = false
        var isEscaped = false
        for scalar in text.unicodeScalars {
            if isEscaped {
                isEscaped = false
            } else if isQuoted, scalar == "\\" {
                isEscaped = true
            } else if scalar == "\"" {
                isQuoted.toggle()
            } else if scalar == separator, !isQuoted {
                parts.append(String(part))
                part = String.UnicodeScalarView()
                continue
            }
            part.append(scalar)
        }
        parts.append(String(part))
        return isQuoted ? nil : parts
    }

    private static func unquoted(_ text: Substring) -> String? {
        guard text.first == "\"" else { return text.contains("\"") ? nil : String(text) }
        guard text.count >= 2, text.last == "\"" else { return nil }
        let inner = text.dropFirst().dropLast()
        // No address needs an escape.
        return inner.contains("\\") || inner.contains("\"") ? nil : String(inner)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text = text.dropFirst() }
        while let last = text.last, last == " " || last == "\t" { text = text.dropLast() }
        return text
    }
}
