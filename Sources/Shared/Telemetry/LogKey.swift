import Logging

/// Every key that may stand in a log record's metadata. One concept has one key, so that records can be searched.
public enum LogKey: String, Sendable {
    case account
    case connection
    case connections
    case deadline
    case destination
    case device
    case domains
    case endpoint
    case error
    case event
    case frontdoor
    case handle
    case incarnation
    case janus
    case limit
    case link
    case origins
    case path
    case peer
    case process
    case proxy
    case publisher
    case reason
    case request
    case room
    case session
    case slot
    case suppressed
    case transaction
    case value
    case version
}

extension Logger {
    /// A copy whose every record carries `pairs`, too.
    public func with(_ pairs: KeyValuePairs<LogKey, String>) -> Logger {
        var logger = self
        for (key, value) in pairs { logger[metadataKey: key.rawValue] = .string(value) }
        return logger
    }
}

extension Dictionary where Key == String, Value == Logger.MetadataValue {
    /// Metadata written with ``LogKey`` only.
    public static func keyed(_ pairs: KeyValuePairs<LogKey, String>) -> Logger.Metadata {
        Dictionary(pairs.map { ($0.rawValue, .string($1)) }, uniquingKeysWith: { $1 })
    }
}
