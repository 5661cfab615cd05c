/// One device's word on how it is to be reached: not by the old token any more, by the new one from now on. Secret.
public struct DeviceTokenChange: Hashable, Sendable {
    /// Goes first. Not there: no matter.
    public let removed: String?
    /// Comes next.
    public let added: String?

    /// - Returns: nil when there is nothing to change. An empty token is none.
    public init?(removed: String?, added: String?) {
        self.removed = removed.flatMap { $0.isEmpty ? nil : $0 }
        self.added = added.flatMap { $0.isEmpty ? nil : $0 }
        if self.removed == nil, self.added == nil { return nil }
    }
}

extension DeviceTokenChange: CustomStringConvertible {
    /// Without the tokens, so that no log ever has them.
    public var description: String { "(removed: \(removed != nil), added: \(added != nil))" }
}
