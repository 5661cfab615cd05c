import Foundation

/// What the kernel knows of this process, under the names that every Prometheus client uses. To be asked off the loops: it
/// reads files.
public enum ProcessMetrics {
    public static func report() -> MetricsReport {
        var report = MetricsReport()
        var usage = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            report.counter(
                "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
                seconds(usage.ru_utime) + seconds(usage.ru_stime))
        }
        let pages = words("/proc/self/statm")
        let page = UInt64(sysconf(Int32(_SC_PAGESIZE)))
        if pages.count >= 2 {
            report.gauge(
                "process_virtual_memory_bytes", "Virtual memory size in bytes.", (UInt64(pages[0]) ?? 0) * page)
            report.gauge(
                "process_resident_memory_bytes", "Resident memory size in bytes.", (UInt64(pages[1]) ?? 0) * page)
        }
        if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            // Looking opened one.
            report.gauge("process_open_fds", "Number of open file descriptors.", max(0, open.count - 1))
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            report.gauge("process_max_fds", "Maximum number of open file descriptors.", limit.rlim_cur)
        }
        if let started = startTime { report.gauge("process_start_time_seconds", startHelp, started) }
        return report
    }

    private static let startHelp = "Start time of the process since unix epoch in seconds."

    /// Seconds since 1970, of the process; it does not change.
    private static let startTime: Double? = {
        // The command's name stands in parentheses and may hold anything, blanks included (proc(5)).
        guard let text = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")"), let boot = words("/proc/stat", line: "btime").last.flatMap(Double.init)
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let ticks = Double(fields[19]) else { return nil }
        return boot + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }()

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    private static func words(_ path: String, line beginning: String = "") -> [Substring] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").first { $0.hasPrefix(beginning) }?.split(separator: " ") ?? []
    }
}
