import CZeroMQ
import Glibc

/// Why a message cannot be read or a socket cannot be had.
public enum BusError: Error, Equatable, Sendable {
    // MARK: Messages

    /// Fewer bytes than the shortest header, or than the header says it has.
    case truncatedHeader(needed: Int, available: Int)
    /// The header says it is shorter than the fields every version has.
    case headerTooShort(Int)
    /// A larger major version than ours, or none.
    case unsupportedVersion(UInt8)
    /// A field of the header has a value that it never has.
    case illegalField(Field)
    /// More than ``BusLimits/maximumBody`` bytes.
    case bodyTooLong(Int)

    // MARK: Sockets

    /// The network is shutting down or shut down.
    case networkClosed
    /// Not `ipc://` and an absolute path. Other transports need encryption and are not offered.
    case unsupportedEndpoint(String)
    /// More than ``BusLimits/maximumPath`` bytes.
    case pathTooLong(String, length: Int)
    /// The socket's directory belongs to another user or is open to others: it must be ours with mode 0700.
    case directoryNotPrivate(String, mode: UInt32)
    /// Something that is no socket stands in the socket's place. It is left alone.
    case notASocket(String)
    /// The operating system refused.
    case system(operation: String, path: String, code: Int32)
    /// ZeroMQ refused.
    case zeroMQ(operation: String, code: Int32)

    /// The fields that ``illegalField(_:)`` is about.
    public enum Field: String, Sendable {
        case sequence
        case connection
    }
}

extension BusError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .truncatedHeader(let needed, let available):
            "bus message: a header of \(needed) bytes in \(available) bytes"
        case .headerTooShort(let length): "bus message: a header of only \(length) bytes"
        case .unsupportedVersion(let version): "bus message: version \(version >> 4).\(version & 0xF) is not understood"
        case .illegalField(let field): "bus message: illegal \(field.rawValue)"
        case .bodyTooLong(let length): "bus message: a body of \(length) bytes, \(BusLimits.maximumBody) are allowed"
        case .networkClosed: "the bus is shut down"
        case .unsupportedEndpoint(let endpoint): "endpoint '\(endpoint)' is not ipc:// and an absolute path"
        case .pathTooLong(let path, let length):
            "socket path '\(path)' has \(length) bytes, \(BusLimits.maximumPath) are allowed"
        case .directoryNotPrivate(let path, let mode):
            "directory '\(path)' must be ours alone: owned by this user, mode 0700, not 0\(String(mode, radix: 8))"
        case .notASocket(let path): "'\(path)' exists and is no socket"
        case .system(let operation, let path, let code): "\(operation) '\(path)': \(String(cString: strerror(code)))"
        case .zeroMQ(let operation, let code): "\(operation): \(String(cString: zmq_strerror(code)))"
        }
    }
}
