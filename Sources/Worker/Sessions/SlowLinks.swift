import NIOCore

/// What Janus has said of the quality of a session's links (protocol page, section 5.7): worth a line when it is news.
struct SlowLinks: Equatable {
    enum Direction: String, Equatable {
        case upload, download
    }

    /// A report counts for this long.
    static let memory = TimeAmount.seconds(30)

    private var upload: NIODeadline?
    private var download: NIODeadline?

    /// - Parameter uplink: as Janus sees it: true, the client's download is poor.
    /// - Returns: the direction when it was not known to be poor; nil otherwise.
    mutating func reported(uplink: Bool, at now: NIODeadline) -> Direction? {
        let last = uplink ? download : upload
        if uplink { download = now } else { upload = now }
        if let last, now - last <= Self.memory { return nil }
        return uplink ? .download : .upload
    }
}
