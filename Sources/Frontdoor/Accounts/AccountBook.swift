import Identity
import Sylkrtc

/// The accounts a connection has added. They are the connection's own: others may hold the same, and all are forgotten
/// with the socket.
struct AccountBook {
    static let tooMany = "too many accounts"

    static func alreadyAdded(_ account: SentAddress) -> String { "Account \(account.sent) already added" }

    struct Account: Equatable {
        /// As the client wrote it; messages to it repeat that.
        let name: SentAddress
        /// HA1. Secret.
        let password: String
        let displayName: String?
        let userAgent: String?
        /// The request that added it.
        let addition: RequestSequence
    }

    private var accounts: [AddressOfRecord: Account] = [:]
    private let domains: DomainRules
    let trustsClaims: Bool
    /// Those that are registered.
    private var verified: Set<AddressOfRecord> = []
    private let maximum: Int

    init(domains: DomainRules, trustsClaims: Bool, maximum: Int = Limits().accounts) {
        self.domains = domains
        self.trustsClaims = trustsClaims
        self.maximum = maximum
    }

    /// - Returns: why not, in words for the client.
    mutating func add(_ request: AccountAdd, _ sequence: RequestSequence) -> String? {
        let address = request.account.address
        guard accounts[address] == nil else { return Self.alreadyAdded(request.account) }
        guard domains.admits(address.domain) else { return "SIP domain not allowed: \(address.domain)" }
        guard accounts.count < maximum else { return Self.tooMany }
        accounts[address] = Account(
            name: request.account, password: request.password, displayName: request.displayName,
            userAgent: request.userAgent, addition: sequence)
        return nil
    }

    mutating func remove(_ address: AddressOfRecord) {
        accounts[address] = nil
        verified.remove(address)
    }

    /// The account is registered.
    ///
    /// - Returns: whether it is believed from now on, and was not before.
    mutating func verify(_ address: AddressOfRecord) -> Bool {
        !trustsClaims && accounts[address] != nil && verified.insert(address).inserted
    }

    /// - Returns: whether it was believed until now.
    mutating func unverify(_ address: AddressOfRecord) -> Bool { verified.remove(address) != nil }

    func account(_ address: AddressOfRecord) -> Account? { accounts[address] }

    /// The account may be believed: it is registered, or a setting says so (D22).
    func isVerified(_ address: AddressOfRecord) -> Bool {
        accounts[address] != nil && (trustsClaims || verified.contains(address))
    }

    /// The registry knows of the account, or is about to: invitations find it there.
    func isClaimed(_ address: AddressOfRecord) -> Bool { isVerified(address) }

    var claimed: [AddressOfRecord] {
        accounts.keys.filter(isClaimed).sorted { $0.description < $1.description }
    }
}
