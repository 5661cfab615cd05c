import Foundation

/// What a process has used, read from /proc.
enum ProcessUsage {
    /// User and system time in microseconds. The kernel counts it in nanoseconds per thread, and says so in `schedstat`.
    static func cpu(_ pid: Int) -> Double {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        return threads.reduce(0) { sum, thread in
            let line = text("/proc/\(pid)/task/\(thread)/schedstat")
            return sum + (line.split(separator: " ").first.flatMap { Double($0) } ?? 0) / 1000
        }
    }

    /// In KB.
    static func memory(_ pid: Int) -> Int { number("VmRSS", in: text("/proc/\(pid)/status")) }

    /// How often its threads went to sleep.
    static func sleeps(_ pid: Int) -> Int {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        return threads.reduce(0) { sum, thread in
            sum + number("voluntary_ctxt_switches", in: text("/proc/\(pid)/task/\(thread)/status"))
        }
    }

    private static func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    private static func number(_ name: String, in text: String) -> Int {
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(name):") }
        return line?.split(whereSeparator: { !$0.isNumber }).last.flatMap { Int($0) } ?? 0
    }
}
