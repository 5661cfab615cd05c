import NIOCore

/// What was sent and is not acknowledged, for whoever has much to say: ``BusLimits/windowMessages`` and
/// ``BusLimits/windowBytes`` at most, or a single message that is longer.
public struct SendWindow: Sendable {
    private var underWay: CircularBuffer<(sequence: UInt64, bytes: Int)> = []
    private var bytes = 0

    public init() {}

    /// Another message may leave.
    public var hasRoom: Bool { underWay.count < BusLimits.windowMessages && bytes < BusLimits.windowBytes }

    public mutating func sent(_ count: Int, as sequence: UInt64) {
        underWay.append((sequence, count))
        bytes += count
    }

    /// - Parameter sequence: the last one that was taken, all before it included.
    public mutating func acknowledged(upTo sequence: UInt64) {
        while let first = underWay.first, first.sequence <= sequence {
            underWay.removeFirst()
            bytes -= first.bytes
        }
    }
}
