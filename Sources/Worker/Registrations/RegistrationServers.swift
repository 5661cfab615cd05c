import SIPLookup

/// The servers of a registration's registrar: the one in use, and those that have not been tried.
struct RegistrationServers {
    private(set) var current: ProxyTarget?
    /// The handle began with that server's transport, and stays with it.
    private(set) var isTransportKnown = false
    /// In order.
    private var untried: [ProxyTarget] = []

    /// - Parameter isFresh: so is the handle that is used for it.
    mutating func use(_ server: ProxyTarget, isFresh: Bool = false) {
        current = server
        if isFresh { isTransportKnown = true }
    }

    /// Which are tried when the one in use fails.
    mutating func keep(_ others: [ProxyTarget]) { untried = others }

    /// nil: all have been tried.
    mutating func next() -> ProxyTarget? { untried.isEmpty ? nil : untried.removeFirst() }
}
