import Identity
import Settings
import Testing

@testable import Worker

/// Who may join (protocol page, sections 6.2 and 6.3; B21, D22, D41).
@Suite struct AccessPolicyTests {
    private let alice = account("alice@example.com")

    /// How a list stands to the account.
    enum Match: CaseIterable {
        case everything, address, domain, other, nothing

        var list: AddressList {
            switch self {
            case .everything: .everybody
            case .address: sample(AddressList("alice@example.com"))
            case .domain: sample(AddressList("example.com"))
            case .other: sample(AddressList("bob@example.com, example.org"))
            case .nothing: .nobody
            }
        }

        var matches: Bool {
            switch self {
            case .everything, .address, .domain: true
            case .other, .nothing: false
            }
        }
    }

    @Test(arguments: Match.allCases, Match.allCases)
    func `B21 allow,deny wants a match in allow and none in deny`(allow: Match, deny: Match) {
        let policy = AccessPolicy(order: .allowDeny, allow: allow.list, deny: deny.list)
        #expect(policy.admits(alice, isVerified: true) == (allow.matches && !deny.matches))
        #expect(policy.isOpen == (allow == .everything && deny == .nothing))
    }

    @Test(arguments: Match.allCases, Match.allCases)
    func `B21 deny,allow wants no match in deny or one in allow`(allow: Match, deny: Match) {
        let policy = AccessPolicy(order: .denyAllow, allow: allow.list, deny: deny.list)
        #expect(policy.admits(alice, isVerified: true) == (!deny.matches || allow.matches))
        #expect(policy.isOpen == (deny == .nothing || allow == .everything))
    }

    @Test(arguments: AccessPolicy.Order.allCases, Match.allCases)
    func `B35 a claimed identity is admitted by open rooms only (D22)`(order: AccessPolicy.Order, deny: Match) {
        for allow in Match.allCases {
            let policy = AccessPolicy(order: order, allow: allow.list, deny: deny.list)
            #expect(policy.admits(alice, isVerified: false) == policy.isOpen, "\(allow)")
            if policy.isOpen { #expect(policy.admits(alice, isVerified: true)) }
        }
    }

    @Test func `B21 without rules everybody may join, and a closed room admits nobody`() {
        #expect(AccessPolicy().admits(alice, isVerified: false))
        #expect(!AccessPolicy.closed.admits(alice, isVerified: true))
        #expect(!AccessPolicy.closed.isOpen)
    }

    // MARK: Reading

    private func read(_ lines: String) throws -> (AccessPolicy, [String]) {
        var reader = SettingsReader(try INIFile("[room]\n\(lines)\n"))
        let policy = AccessPolicy(&reader, section: "room")
        return (policy, reader.problems)
    }

    @Test func `B21 an absent policy is the open one`() throws {
        let (policy, problems) = try read("")
        #expect(policy == AccessPolicy())
        #expect(problems == [])
    }

    @Test func `B21 a list that is there and empty matches nobody`() throws {
        let (policy, problems) = try read("allow =\ndeny =")
        #expect(problems == [])
        #expect(policy.allow == .nobody)
        #expect(policy.deny == .nobody)
        #expect(!policy.admits(alice, isVerified: true))
    }

    @Test(arguments: ["deny,allow", "DENY , Allow", " deny ,\tallow "])
    func `B21 the order is read without white space and case`(text: String) throws {
        #expect(try read("access_policy = \(text)").0.order == .denyAllow)
    }

    @Test(arguments: ["allow", "deny", "allow;deny", "allow,deny,allow", "allow,allow", "open"])
    func `B34 another order is a problem that names the legal ones`(text: String) throws {
        let (_, problems) = try read("access_policy = \(text)")
        #expect(
            problems == ["[room] access_policy: \"\(text)\" is not legal; legal is allow,deny or deny,allow"])
    }

    @Test func `B21 lists are read`() throws {
        let (policy, problems) = try read(
            "allow = example.com\ndeny = alice@example.com, none\naccess_policy = allow,deny")
        #expect(problems == [])
        #expect(!policy.admits(alice, isVerified: true))
        #expect(policy.admits(account("bob@example.com"), isVerified: true))
        #expect(!policy.admits(account("bob@example.org"), isVerified: true))
    }

    @Test(arguments: ["allow", "deny"])
    func `B34 an item that is neither address nor domain is a problem`(key: String) throws {
        #expect(try read("\(key) = exa mple.com, what?").1.count == 1)
        #expect(try read("\(key) = alice@").1.count == 1)
    }
}

@Suite struct AddressListTests {
    private func matches(_ list: String, _ address: String) throws -> Bool {
        try #require(AddressList(list)).matches(account(address))
    }

    @Test(arguments: ["any", "ALL", "*", " all ", "none, all", "example.org,*"])
    func `B21 a word for everything matches everybody`(text: String) throws {
        #expect(try matches(text, "alice@example.com"))
        #expect(try #require(AddressList(text)).matchesEverybody)
    }

    @Test(arguments: ["", "none", "NONE", " , ,", "none,none"])
    func `B21 a list of nothing is empty and matches nobody`(text: String) throws {
        let list = try #require(AddressList(text))
        #expect(list.isEmpty)
        #expect(!list.matches(account("alice@example.com")))
        #expect(list == .nobody)
    }

    @Test func `B21 an address matches itself only`() throws {
        #expect(try matches("alice@example.com", "alice@example.com"))
        #expect(try !matches("alice@example.com", "bob@example.com"))
        #expect(try !matches("alice@example.com", "alice@example.org"))
        #expect(try !matches("alice@example.com", "alice@sub.example.com"))
    }

    @Test func `B21 a domain matches everybody in it, but not in its parents or children`() throws {
        #expect(try matches("example.com", "alice@example.com"))
        #expect(try !matches("example.com", "alice@sub.example.com"))
        #expect(try !matches("sub.example.com", "alice@example.com"))
        #expect(try !matches("example.com", "alice@notexample.com"))
    }

    @Test func `B21 spelling variants evade nothing (D41)`() throws {
        for spelling in ["sip:alice@EXAMPLE.com", "alice@example.com:5060", "sips:alice@example.com;transport=tcp"] {
            #expect(try matches(spelling, "sip:alice@Example.COM"))
        }
        #expect(try matches(" EXAMPLE.com ", "alice@example.COM:5080"))
        #expect(try !matches("Alice@example.com", "alice@example.com"), "users are compared with case")
    }

    @Test func `B21 mixed lists match by any of their items`() throws {
        let list = "none, bob@example.org , example.com"
        #expect(try matches(list, "alice@example.com"))
        #expect(try matches(list, "bob@example.org"))
        #expect(try !matches(list, "alice@example.org"))
    }

    @Test func `B21 every @ but the last stands for %40`() throws {
        #expect(try matches("alice@home@example.com", "alice%40home@example.com"))
        #expect(try !matches("alice@home@example.com", "home@example.com"))
    }

    @Test(arguments: [
        "alice@", "@example.com", "exa*mple.com", "example.com:5060", "-x.com", "a..b", "[room]", "alice@ex/ample",
    ])
    func `B21 what is neither address nor domain is refused as a whole`(text: String) {
        #expect(AddressList(text) == nil)
        #expect(AddressList("example.com, \(text)") == nil)
    }
}
