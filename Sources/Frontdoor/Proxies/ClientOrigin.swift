import Identity
import Logging
import Telemetry

/// Where a client is: the other end of its socket, or what a trusted proxy says of it.
struct ClientOrigin: Equatable, Sendable {
    let address: IPAddress
    /// The client's own, as far as it is known; otherwise that of the proxy's socket.
    let port: UInt16

    /// Changes with every connection.
    var device: DeviceID { DeviceID(address: "\(address)", port: port, isVersion4: address.isVersion4) }

    /// How it stands in log records.
    var metadata: Logger.Metadata { .keyed([.peer: "\(self)", .device: "\(device)"]) }
}

extension ClientOrigin: CustomStringConvertible {
    var description: String { address.isVersion4 ? "\(address):\(port)" : "[\(address)]:\(port)" }
}
