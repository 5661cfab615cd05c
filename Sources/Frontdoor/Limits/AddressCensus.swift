import Identity

/// How many sockets there are, and how many of which client. An IPv6 client is its /64, of which one person has as many
/// addresses as he likes.
struct AddressCensus {
    /// What an address has; its row goes with its last socket.
    private struct Row {
        var handshakes = 0
        var connections = 0
    }

    private let handshakes: Int
    private let connections: Int
    private let sockets: Int
    private var rows: [IPAddress: Row] = [:]
    /// Of everybody.
    private(set) var count = 0

    /// - Parameters:
    ///   - handshakes, connections: of one address; 0: any number.
    ///   - sockets: of all together.
    init(handshakes: Int, connections: Int, sockets: Int) {
        self.handshakes = handshakes == 0 ? .max : handshakes
        self.connections = connections == 0 ? .max : connections
        self.sockets = sockets
    }

    var addresses: Int { rows.count }

    /// A socket was accepted.
    ///
    /// - Parameter address: nil: counted among all only.
    /// - Returns: the limit that it would exceed; nil: it is counted.
    mutating func came(_ address: IPAddress?) -> LimitKind? {
        guard count < sockets else { return .connections }
        if let address, rows[address.network, default: Row()].handshakes >= handshakes { return .handshakesPerAddress }
        if let address { rows[address.network, default: Row()].handshakes += 1 }
        count += 1
        return nil
    }

    /// A socket is to be a WebSocket of that address from now on.
    ///
    /// - Returns: the limit that it would exceed; nil: it is counted.
    mutating func connected(_ address: IPAddress) -> LimitKind? {
        guard rows[address.network, default: Row()].connections < connections else { return .connectionsPerAddress }
        rows[address.network, default: Row()].connections += 1
        return nil
    }

    mutating func handshakeEnded(_ address: IPAddress) { change(address) { $0.handshakes -= 1 } }

    mutating func disconnected(_ address: IPAddress) { change(address) { $0.connections -= 1 } }

    mutating func left() { count -= 1 }

    private mutating func change(_ address: IPAddress, _ body: (inout Row) -> Void) {
        let key = address.network
        guard var row = rows[key] else { preconditionFailure("somebody leaves who never came") }
        body(&row)
        precondition(row.handshakes >= 0 && row.connections >= 0, "somebody leaves twice")
        rows[key] = row.handshakes == 0 && row.connections == 0 ? nil : row
    }
}
