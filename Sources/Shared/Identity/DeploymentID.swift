/// The name of one installation: it marks everything that is ours in Janus, so that two installations can share one.
///
/// 1 to 32 characters of `a-z`, `0-9`, `-`. It comes from the configuration and outlives every registry.
public struct DeploymentID: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public init?(_ text: String) {
        guard (1...32).contains(text.utf8.count), text.utf8.allSatisfy(\.isLowercaseNameCharacter) else { return nil }
        description = text
    }
}

/// The name of a host. 1 to 32 characters of `a-z`, `0-9`, `-`.
public struct NodeName: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public init?(_ text: String) {
        guard (1...32).contains(text.utf8.count), text.utf8.allSatisfy(\.isLowercaseNameCharacter) else { return nil }
        description = text
    }
}

/// One place for a worker: a host's n-th share of its Janus (`host1/2`). It outlives the processes that hold it.
public struct SlotID: Hashable, Sendable, CustomStringConvertible {
    public let node: NodeName
    /// 1 to 999, unique on the node.
    public let number: Int

    public init?(node: NodeName, number: Int) {
        guard (1...999).contains(number) else { return nil }
        self.node = node
        self.number = number
    }

    public var description: String { "\(node)/\(number)" }

    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let node = NodeName(String(parts[0])), let number = Int(canonical: parts[1])
        else { return nil }
        self.init(node: node, number: number)
    }
}

extension UInt8 {
    var isLowercaseNameCharacter: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
