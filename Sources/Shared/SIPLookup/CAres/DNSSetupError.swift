/// The resolver cannot begin.
public enum DNSSetupError: Error, Equatable, Sendable, CustomStringConvertible {
    /// - Parameter code: errno.
    case system(operation: String, code: Int32)
    /// - Parameter reason: c-ares's own words.
    case library(reason: String)

    public var description: String {
        switch self {
        case .system(let operation, let code): "\(operation): error \(code)"
        case .library(let reason): "c-ares: \(reason)"
        }
    }
}
