/// Keys of the original that belong to what is not served yet. They are checked like all others, so that a file that is good
/// today stays good, and whoever sets one is told that it does nothing.
struct UnservedSettings {
    static let proxies = "host, host:port or [IPv6]:port, and then ;transport=udp, ;transport=tcp or ;transport=tls"
    static let interfaces = "IP or IP:port, [IPv6] or [IPv6]:port"

    static func check(_ reader: inout SettingsReader) {
        _ = reader.value("General", "outbound_sip_proxy", default: true, legal: proxies) {
            isProxy($0) ? true : nil
        }
        _ = reader.value("General", "http_management_interface", default: true, legal: interfaces) {
            isInterface($0) ? true : nil
        }
        _ = reader.secret("General", "http_management_auth_secret", default: nil)
        _ = reader.secret("General", "firebase_server_key", default: nil)
    }

    /// `host[:port][;transport=udp|tcp|tls]`; `none` is none.
    private static func isProxy(_ text: String) -> Bool {
        if text.lowercased() == "none" { return true }
        let parts = text.split(separator: ";", omittingEmptySubsequences: false)
        guard let address = parts.first, parts.count <= 2, isHost(address, isAddress: false) else { return false }
        let transports = ["transport=udp", "transport=tcp", "transport=tls"]
        return parts.count == 1 || transports.contains(String(parts[1].trimmed()).lowercased())
    }

    private static func isInterface(_ text: String) -> Bool { isHost(text[...], isAddress: true) }

    private static func isHost(_ text: Substring, isAddress: Bool) -> Bool {
        var host = text.trimmed()
        if host.first == "[" {
            guard let end = host.firstIndex(of: "]") else { return false }
            let rest = host[host.index(after: end)...]
            return isIPv6(host[host.index(after: host.startIndex)..<end])
                && (rest.isEmpty || (rest.first == ":" && isPort(rest.dropFirst())))
        }
        if let colon = host.lastIndex(of: ":") {
            guard isPort(host[host.index(after: colon)...]) else { return false }
            host = host[..<colon]
        }
        return isAddress ? isIPv4(host) : isName(host)
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.count <= 5 && text.allSatisfy(\.isWholeDigit) && (1...65_535).contains(Int(text) ?? 0)
    }

    private static func isIPv4(_ text: Substring) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { $0.count <= 3 && $0.allSatisfy(\.isWholeDigit) && UInt8($0) != nil }
    }

    private static func isIPv6(_ text: Substring) -> Bool {
        text.contains(":") && text.allSatisfy { $0.isASCII && ($0.isHexDigit || $0 == ":" || $0 == ".") }
    }

    private static func isName(_ text: Substring) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
        }
    }
}

extension Character {
    fileprivate var isWholeDigit: Bool { isASCII && isNumber }
}
