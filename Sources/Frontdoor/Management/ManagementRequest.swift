import Identity
import JSONText
import NIOHTTP1
import Sylkrtc
import Telemetry

/// The paths of the management interface.
enum ManagementEndpoint: Int, MetricLabel {
    case incomingSession, missedSession
    /// `/tokens/{account}`
    case tokens
    /// `/tokens/{account}/{token}`
    case token
    case unknown

    static let label = "endpoint"

    /// - Parameter parts: of the path, between its slashes.
    fileprivate init(_ parts: [Substring]) {
        switch (parts.first, parts.count) {
        case ("incoming_session", 1): self = .incomingSession
        case ("missed_session", 1): self = .missedSession
        case ("tokens", 2): self = .tokens
        case ("tokens", 3): self = .token
        default: self = .unknown
        }
    }

    fileprivate var methods: [HTTPMethod] {
        switch self {
        case .incomingSession, .missedSession: [.POST]
        case .tokens: [.GET]
        case .token: [.POST, .DELETE]
        case .unknown: []
        }
    }
}

/// Why a request is not served.
enum ManagementRefusal: Error, Equatable {
    case unauthorized
    case unknownPath
    case wrongMethod(allowed: String)
    /// In words for whoever asks; nothing that he sent is repeated.
    case unusable(String)
}

/// What is asked at the management interface (protocol page, section 8.2).
enum ManagementRequest: Equatable {
    case push(PushMessage.Event, originator: String, destination: AddressOfRecord)
    case tokens(AddressOfRecord)
    case add(token: String, AddressOfRecord)
    case remove(token: String, AddressOfRecord)

    static func endpoint(_ request: WholeRequest) -> ManagementEndpoint { ManagementEndpoint(parts(of: request)) }

    /// - Parameter secret: what `Authorization` has to be. nil: there is none, and only pages are kept away, which a browser
    ///   on this host may have loaded from anywhere.
    init(_ request: WholeRequest, secret: SharedSecret?) throws(ManagementRefusal) {
        guard Self.isAuthorized(request, secret) else { throw .unauthorized }
        let parts = Self.parts(of: request)
        let endpoint = ManagementEndpoint(parts)
        guard endpoint != .unknown else { throw .unknownPath }
        guard endpoint.methods.contains(request.method) else {
            throw .wrongMethod(allowed: endpoint.methods.map(\.rawValue).joined(separator: ", "))
        }
        switch endpoint {
        case .incomingSession: self = try Self.push(.incomingSession, request.body)
        case .missedSession: self = try Self.push(.missedSession, request.body)
        case .tokens: self = .tokens(try Self.account(parts[1]))
        case .token:
            let (account, token) = (try Self.account(parts[1]), try Self.token(parts[2]))
            self = request.method == .POST ? .add(token: token, account) : .remove(token: token, account)
        case .unknown: throw .unknownPath
        }
    }

    private static func isAuthorized(_ request: WholeRequest, _ secret: SharedSecret?) -> Bool {
        guard let secret else { return request.headers["Origin"].isEmpty }
        let given = request.headers["Authorization"]
        return given.count == 1 && secret.equals(given[0])
    }

    private static func parts(of request: WholeRequest) -> [Substring] {
        guard request.path.first == "/" else { return [] }
        return request.path.dropFirst().split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    }

    private static func push(
        _ event: PushMessage.Event, _ body: [UInt8]
    ) throws(ManagementRefusal) -> ManagementRequest {
        guard let root = (try? JSONDocument(body))?.root, root.isObject else {
            throw .unusable("the body must be a JSON object")
        }
        func text(_ name: StaticString) throws(ManagementRefusal) -> String {
            guard let value = root[name], !value.isNull else { throw .unusable("\(name): required") }
            guard let text = value.string else { throw .unusable("\(name): must be a string") }
            return text
        }
        guard let originator = Self.originator(try text("originator")) else {
            throw .unusable("originator: must be a SIP address")
        }
        guard let destination = AddressOfRecord(try text("destination")) else {
            throw .unusable("destination: must be a SIP address with a user")
        }
        return .push(event, originator: originator, destination: destination)
    }

    /// A caller may be a host.
    private static func originator(_ text: String) -> String? {
        if let address = AddressOfRecord(text) { return address.description }
        guard text.utf8.count <= AddressOfRecord.maximumLength, let uri = SIPURI(text), uri.user == nil else {
            return nil
        }
        return uri.host.lowercased()
    }

    private static func account(_ part: Substring) throws(ManagementRefusal) -> AddressOfRecord {
        guard let text = decoded(part), let account = AddressOfRecord(text) else {
            throw .unusable("the account must be a SIP address with a user")
        }
        return account
    }

    /// Bounded as clients' are (R05).
    private static func token(_ part: Substring) throws(ManagementRefusal) -> String {
        guard let text = decoded(part), (1...MessageLimits.deviceToken).contains(text.utf8.count),
            !text.utf8.contains(0)
        else { throw .unusable("the token must have 1 to \(MessageLimits.deviceToken) bytes of UTF-8") }
        return text
    }

    /// Without its escapes (RFC 3986 §2.1); nil when one of them is malformed, or when it is no UTF-8.
    private static func decoded(_ part: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = part.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst()?.hexDigit, let low = rest.popFirst()?.hexDigit else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension UInt8 {
    fileprivate var hexDigit: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
