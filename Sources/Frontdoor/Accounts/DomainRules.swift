/// Which SIP domains accounts may belong to: `sip_domains`, compared in lower case (protocol page, R01).
struct DomainRules: Equatable, Sendable, CustomStringConvertible {
    private let domains: Set<String>

    init(_ domains: [String]) { self.domains = Set(domains.map { $0.lowercased() }) }

    var description: String { domains.sorted().joined(separator: ", ") }

    func admits(_ domain: String) -> Bool { domains.contains("*") || domains.contains(domain) }
}
