import NIOCore
import Testing

@testable import Telemetry

struct PrometheusTextTests {
    /// One loop's report: so many pears, and one wait.
    private func report(pears: Int, wait: TimeAmount) -> MetricsReport {
        var fruits = CounterRow<Fruit>()
        fruits.add(.pear, pears)
        var waits = Histogram(Buckets([.milliseconds(1), .milliseconds(2500)]))
        waits.observe(wait)
        var report = MetricsReport()
        report.counter("fruits_total", "Fruits that were eaten.", fruits)
        report.gauge("guests", "Who is there.", [Fruit.redApple: 2])
        report.histogram("wait_seconds", "Time until dessert.", waits)
        return report
    }

    @Test func `A report is written as Prometheus reads it`() {
        #expect(
            PrometheusText.text(report(pears: 3, wait: .milliseconds(2))) == """
                # HELP fruits_total Fruits that were eaten.
                # TYPE fruits_total counter
                fruits_total{fruit="red_apple"} 0
                fruits_total{fruit="pear"} 3
                # HELP guests Who is there.
                # TYPE guests gauge
                guests{fruit="red_apple"} 2
                guests{fruit="pear"} 0
                # HELP wait_seconds Time until dessert.
                # TYPE wait_seconds histogram
                wait_seconds_bucket{le="0.001"} 0
                wait_seconds_bucket{le="2.5"} 1
                wait_seconds_bucket{le="+Inf"} 1
                wait_seconds_sum 0.002
                wait_seconds_count 1

                """)
    }

    @Test func `What several loops counted is added, buckets included`() {
        var all = report(pears: 3, wait: .milliseconds(1))
        all.add(report(pears: 4, wait: .seconds(3)))
        let lines = PrometheusText.text(all).split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(
            lines == [
                #"fruits_total{fruit="red_apple"} 0"#, #"fruits_total{fruit="pear"} 7"#,
                #"guests{fruit="red_apple"} 4"#, #"guests{fruit="pear"} 0"#,
                #"wait_seconds_bucket{le="0.001"} 1"#, #"wait_seconds_bucket{le="2.5"} 1"#,
                #"wait_seconds_bucket{le="+Inf"} 2"#, "wait_seconds_sum 3.001", "wait_seconds_count 2",
            ])
    }

    @Test func `Quotes, backslashes and line ends in texts are escaped`() {
        var report = MetricsReport()
        report.gauge("g", "one\ntwo \\ \"three\"", 1.5, labels: [MetricsReport.Label("l", "a\"b\\c\nd")])
        #expect(
            PrometheusText.text(report)
                == "# HELP g one\\ntwo \\\\ \"three\"\n# TYPE g gauge\ng{l=\"a\\\"b\\\\c\\nd\"} 1.5\n")
    }

    @Test func `The process says what it costs`() {
        let names = ProcessMetrics.report().families.map(\.name)
        #expect(
            names == [
                "process_cpu_seconds_total", "process_virtual_memory_bytes", "process_resident_memory_bytes",
                "process_open_fds", "process_max_fds", "process_start_time_seconds",
            ])
        for family in ProcessMetrics.report().families {
            guard case .number(let value) = family.samples[0].value else { continue }
            #expect(value > 0, "\(family.name)")
        }
    }
}
