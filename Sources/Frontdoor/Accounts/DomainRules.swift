/// Which SIP domains accounts may belong to: `sip_domains`, compared in lower case (protocol page, R01).
struct DomainRules: Equatable, Sendable {
    private let domains: Set<String>

    init(_ domains: [String]) { self.domains = Set(domains.map { $0.lowercased() }) }

    func admits(_ domain: String) -> Bool { domains.contains("*") || domains.contains(domain) }
}
