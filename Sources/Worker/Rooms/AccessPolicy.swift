import Foundation
import Identity
import Settings

/// Who may join a room (protocol page, section 6): two lists and which of them decides.
struct AccessPolicy: Equatable, Sendable {
    enum Order: String, CaseIterable, Sendable {
        /// Allowed when `allow` matches and `deny` does not.
        case allowDeny = "allow,deny"
        /// Allowed when `deny` does not match or `allow` does.
        case denyAllow = "deny,allow"
    }

    var order = Order.allowDeny
    var allow = AddressList.everybody
    var deny = AddressList.nobody

    /// Nobody may join: the rules could not be understood, and a rule that fails must not open a room (D41).
    static let closed = AccessPolicy(order: .allowDeny, allow: .nobody, deny: .everybody)

    init(order: Order = .allowDeny, allow: AddressList = .everybody, deny: AddressList = .nobody) {
        self.order = order
        self.allow = allow
        self.deny = deny
    }

    init(_ reader: inout SettingsReader, section: String) {
        order = reader.value(section, "access_policy", default: .allowDeny, legal: "allow,deny or deny,allow") { text in
            Order(rawValue: text.lowercased().filter { !$0.isWhitespace })
        }
        let legal = SettingsCatalogue.policies
        // An empty list matches nobody; only a missing one is everybody.
        let absent = reader.isSet(section, "allow") ? AddressList.nobody : .everybody
        allow = reader.value(section, "allow", default: absent, legal: legal, parse: AddressList.init)
        deny = reader.value(section, "deny", default: .nobody, legal: legal, parse: AddressList.init)
    }

    /// Everybody may join, whoever they say they are.
    var isOpen: Bool {
        switch order {
        case .allowDeny: allow.matchesEverybody && deny.isEmpty
        case .denyAllow: deny.isEmpty || allow.matchesEverybody
        }
    }

    /// A claimed identity is not a verified one: only open rooms admit it (D22).
    func admits(_ account: AddressOfRecord, isVerified: Bool) -> Bool {
        guard isVerified || isOpen else { return false }
        return switch order {
        case .allowDeny: allow.matches(account) && !deny.matches(account)
        case .denyAllow: !deny.matches(account) || allow.matches(account)
        }
    }
}

/// A list of addresses and domains, compared normalised (D25, D41).
struct AddressList: Equatable, Sendable {
    private(set) var matchesEverybody = false
    private var addresses: Set<AddressOfRecord> = []
    private var domains: Set<String> = []

    static let everybody = AddressList(matchesEverybody: true)
    static let nobody = AddressList(matchesEverybody: false)

    private init(matchesEverybody: Bool) { self.matchesEverybody = matchesEverybody }

    /// - Returns: nil when an item is neither an address nor a domain.
    init?(_ text: String) {
        for item in text.split(separator: ",").map({ $0.trimmingCharacters(in: .whitespacesAndNewlines) }) {
            // Two items without a comma between them are neither.
            guard !item.contains(where: \.isWhitespace) else { return nil }
            switch item.lowercased() {
            case "", "none": continue
            case "any", "all", "*": matchesEverybody = true
            default:
                if item.contains("@") {
                    // A user may be a whole address itself; only the last @ separates.
                    let at = item.lastIndex(of: "@") ?? item.endIndex
                    let user = item[..<at].split(separator: "@", omittingEmptySubsequences: false).joined(
                        separator: "%40")
                    guard let address = AddressOfRecord("\(user)\(item[at...])") else { return nil }
                    addresses.insert(address)
                } else {
                    guard let uri = SIPURI("x@\(item)"), uri.host.count == item.count else { return nil }
                    domains.insert(item.lowercased())
                }
            }
        }
    }

    var isEmpty: Bool { !matchesEverybody && addresses.isEmpty && domains.isEmpty }

    /// Reads back as the same list.
    var description: String {
        guard !isEmpty else { return "none" }
        return ((matchesEverybody ? ["all"] : []) + addresses.map(\.description).sorted() + domains.sorted())
            .joined(separator: ",")
    }

    func matches(_ account: AddressOfRecord) -> Bool {
        matchesEverybody || addresses.contains(account) || domains.contains(account.domain)
    }
}
