import NIOCore

/// The Prometheus text exposition format, version 0.0.4.
public enum PrometheusText {
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    public static func text(_ report: MetricsReport) -> String {
        var text = ""
        for family in report.families {
            text += "# HELP \(family.name) \(escaped(family.help, quotes: false))\n"
            text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
            for sample in family.samples {
                switch sample.value {
                case .number(let value): line(family.name, sample.labels, number(value), to: &text)
                case .histogram(let histogram): lines(family.name, sample.labels, histogram, to: &text)
                }
            }
        }
        return text
    }

    /// Buckets are exposed cumulatively, each with all below it.
    private static func lines(
        _ name: String, _ labels: [MetricsReport.Label], _ histogram: Histogram, to text: inout String
    ) {
        var count: UInt64 = 0
        for (index, part) in histogram.counts.enumerated() {
            count &+= part
            let bounds = histogram.buckets.bounds
            let bound = index < bounds.count ? number(seconds(bounds[index].nanoseconds)) : "+Inf"
            line("\(name)_bucket", labels + [MetricsReport.Label("le", bound)], String(count), to: &text)
        }
        line("\(name)_sum", labels, number(seconds(histogram.sum)), to: &text)
        line("\(name)_count", labels, String(count), to: &text)
    }

    private static func line(
        _ name: String, _ labels: [MetricsReport.Label], _ value: String, to text: inout String
    ) {
        text += name
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.name)=\"\(escaped($0.text, quotes: true))\"" }
            text += "{\(pairs.joined(separator: ","))}"
        }
        text += " \(value)\n"
    }

    private static func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds) / 1e9 }

    /// A whole number without its point, which is easier to read.
    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
