import Foundation
import NIOCore

/// What a scenario found out, printed as one JSON object: the units are in the names.
struct Measured {
    private(set) var values: [String: Any] = [:]

    subscript(name: String) -> Any? {
        get { values[name] }
        set { values[name] = newValue }
    }

    mutating func latencies(_ nanoseconds: [Int64]) {
        guard !nanoseconds.isEmpty else { return }
        let sorted = nanoseconds.sorted()
        for (name, part) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
            let index = min(sorted.count - 1, Int(part * Double(sorted.count)))
            values["\(name)_us"] = Double(sorted[index]) / 1000
        }
    }

    func print() {
        guard let text = try? JSONSerialization.data(withJSONObject: values, options: .sortedKeys) else { return }
        Swift.print(String(decoding: text, as: UTF8.self))
    }
}

/// The processes that a run is about, before and after.
struct Usage {
    /// By what the caller calls them.
    let processes: [String: Int]
    private let cpu: [String: Double]
    private let sleeps: [String: Int]
    private let memory: [String: Int]
    private let own: Double

    init(_ processes: [String: Int]) {
        self.processes = processes
        cpu = processes.mapValues(ProcessUsage.cpu)
        sleeps = processes.mapValues(ProcessUsage.sleeps)
        memory = processes.mapValues(ProcessUsage.memory)
        own = ProcessUsage.cpu(Int(getpid()))
    }

    /// Writes what was used since, divided by `count`.
    func spent(on count: Int, into measured: inout Measured) {
        guard count > 0 else { return }
        let now = Usage(processes)
        for name in processes.keys {
            measured["cpu_us_\(name)"] = (now.cpu[name, default: 0] - cpu[name, default: 0]) / Double(count)
            measured["sleeps_\(name)"] = Double(now.sleeps[name, default: 0] - sleeps[name, default: 0]) / Double(count)
            measured["memory_kb_\(name)"] =
                Double(now.memory[name, default: 0] - memory[name, default: 0]) / Double(count)
        }
        measured["cpu_us_generator"] = (now.own - own) / Double(count)
    }
}
