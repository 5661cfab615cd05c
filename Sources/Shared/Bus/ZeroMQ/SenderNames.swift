/// The routing ids that were read before, so that each message of a link does not have its sender's name parsed again.
struct SenderNames {
    private var known: [Int: RoutingID] = [:]

    /// Links of several lives of many front doors. What is forgotten is parsed again.
    private static let maximumCount = 1024

    /// - Returns: nil when the bytes are no ``RoutingID``.
    mutating func read(_ bytes: UnsafeRawBufferPointer) -> RoutingID? {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        let key = hasher.finalize()
        if let id = known[key], id.bytes.elementsEqual(bytes) { return id }
        guard let id = RoutingID(bytes: bytes) else { return nil }
        if known.count >= Self.maximumCount { known.removeAll(keepingCapacity: true) }
        known[key] = id
        return id
    }
}
