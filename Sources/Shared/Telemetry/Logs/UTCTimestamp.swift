import Foundation

/// The instant of a log or trace record: UTC, with milliseconds (RFC 3339).
struct UTCTimestamp: Equatable, Sendable, CustomStringConvertible {
    /// Since 1970.
    let seconds: Int
    let milliseconds: Int

    init(seconds: Int, milliseconds: Int) {
        self.seconds = seconds
        self.milliseconds = milliseconds
    }

    static var now: UTCTimestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UTCTimestamp(seconds: time.tv_sec, milliseconds: time.tv_nsec / 1_000_000)
    }

    var description: String {
        var instant = time_t(seconds)
        var parts = tm()
        gmtime_r(&instant, &parts)
        func digits(_ value: some BinaryInteger, _ count: Int = 2) -> String {
            let text = String(Int(value))
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let date = "\(digits(parts.tm_year + 1900, 4))-\(digits(parts.tm_mon + 1))-\(digits(parts.tm_mday))"
        let time = "\(digits(parts.tm_hour)):\(digits(parts.tm_min)):\(digits(parts.tm_sec))"
        return "\(date)T\(time).\(digits(milliseconds, 3))Z"
    }
}
