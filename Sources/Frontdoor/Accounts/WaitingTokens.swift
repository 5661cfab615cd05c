import Identity
import Registry

/// Changes of device tokens that wait until their account can be believed (D22), in the order in which they were asked for.
struct WaitingTokens: Equatable {
    /// Of a connection. The oldest are forgotten beyond that.
    static let maximum = 16

    private var waiting: [(account: AddressOfRecord, change: DeviceTokenChange)] = []

    var count: Int { waiting.count }

    mutating func add(_ change: DeviceTokenChange, of account: AddressOfRecord) {
        if waiting.count >= Self.maximum { waiting.removeFirst() }
        waiting.append((account, change))
    }

    /// - Returns: what has waited.
    @discardableResult
    mutating func remove(_ account: AddressOfRecord) -> [DeviceTokenChange] {
        defer { waiting.removeAll { $0.account == account } }
        return waiting.filter { $0.account == account }.map(\.change)
    }

    static func == (left: WaitingTokens, right: WaitingTokens) -> Bool {
        left.waiting.elementsEqual(right.waiting) { $0 == $1 }
    }
}
