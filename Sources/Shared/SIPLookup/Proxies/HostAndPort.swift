/// `host`, `host:port`, `[IPv6]` or `[IPv6]:port`, taken apart; what the host is, is not looked at.
struct HostAndPort {
    /// Without brackets.
    let host: Substring
    /// 1 to 65535; nil: none was written.
    let port: UInt16?

    init?(_ text: some StringProtocol) {
        let text = Substring(text)
        let rest: Substring
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[..<end].dropFirst()
            guard host.contains(":") else { return nil }
            rest = text[end...].dropFirst()
        } else {
            host = text.prefix { $0 != ":" }
            rest = text.dropFirst(host.count)
        }
        guard !rest.isEmpty else {
            port = nil
            return
        }
        let digits = rest.dropFirst()
        guard rest.first == ":", (1...5).contains(digits.utf8.count),
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let port = UInt16(digits), port > 0
        else { return nil }
        self.port = port
    }
}
