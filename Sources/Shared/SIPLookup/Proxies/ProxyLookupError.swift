/// Why there is nowhere to send a request to.
public enum ProxyLookupError: Error, Equatable, Sendable {
    /// Names or addresses that are not there.
    case noRoutes(uri: String)
    /// The domain says that it offers no such service.
    case notOffered
    case timedOut(uri: String)
    /// Name servers cannot or will not say.
    case unanswered(uri: String)
    /// The transport follows from a number or port in the URI.
    case dictatedTransport(String)
    /// The transport stands in the URI.
    case requestedTransport(String)
    /// Too many lookups are under way.
    case overloaded
    case stopped

    /// What a client is answered (protocol page, §7.1).
    public var text: String { "DNS lookup error: \(detail)" }

    private var detail: String {
        switch self {
        case .noRoutes(let uri): "No routes found for SIP URI \(uri)"
        case .notOffered: "no results found"
        case .timedOut(let uri): "Timeout in lookup for routes for SIP URI \(uri)"
        case .unanswered(let uri): "Name servers do not answer for SIP URI \(uri)"
        case .dictatedTransport(let transport): "Transport \(transport) dictated by URI is not supported"
        case .requestedTransport(let transport):
            "Requested lookup for URI with \(transport) transport, but it is not supported"
        case .overloaded: "too many lookups"
        case .stopped: "the gateway is stopping"
        }
    }
}
