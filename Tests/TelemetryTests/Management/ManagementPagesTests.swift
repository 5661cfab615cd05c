import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import Telemetry

struct ManagementPagesTests {
    /// A process with two loops, and an operator at its management address.
    private final class Process {
        let here = EmbeddedEventLoop()
        let loops = [EmbeddedEventLoop(), EmbeddedEventLoop()]
        let pages: ManagementPages

        init(_ readiness: [Readiness] = [.ready("ready"), .ready("ready")]) {
            pages = ManagementPages {
                var report = MetricsReport()
                report.gauge("shared", "Of no loop.", 1)
                return report
            }
            pages.serve(
                zip(loops, readiness).enumerated().map { number, source in
                    let (loop, readiness) = source
                    return ManagementPages.Source(
                        name: "loop \(number + 1)", loop: loop, readiness: { readiness },
                        metrics: {
                            var report = MetricsReport()
                            report.gauge("guests", "Who is there.", 2)
                            return report
                        })
                })
        }

        /// What is answered when these loops turn.
        func page(_ path: Substring, turning: [Int] = [0, 1]) throws -> ManagementPages.Page {
            let page = try #require(pages.page(path, on: here))
            for number in turning { loops[number].run() }
            here.run()
            here.advanceTime(by: ManagementPages.patience)
            let answer = try page.wait()
            // What was asked of the others in vain is done after all: nothing is left when the loops go.
            for loop in loops { loop.run() }
            here.run()
            return answer
        }
    }

    @Test func `It is healthy while every loop answers within a second`() throws {
        let process = Process()
        #expect(try process.page("/healthz") == ManagementPages.Page(status: .ok, body: "ok\n"))
        let page = try process.page("/healthz", turning: [0])
        #expect(page == ManagementPages.Page(status: .serviceUnavailable, body: "not answering: loop 2\n"))
        let other = try process.page("/healthz", turning: [])
        #expect(other.body == "not answering: loop 1, loop 2\n")
    }

    @Test(arguments: [
        ([Readiness.ready("ready"), .ready("ready")], HTTPResponseStatus.ok, "ready\n"),
        ([.ready("standby")], .ok, "standby\n"),
        ([.ready("ready"), .notReady("draining")], .serviceUnavailable, "draining\n"),
        ([.notReady("no serving worker"), .ready("ready")], .serviceUnavailable, "no serving worker\n"),
        ([], .serviceUnavailable, "starting\n"),
    ])
    func `It is ready when every loop is`(
        readiness: [Readiness], status: HTTPResponseStatus, body: String
    ) throws {
        #expect(try Process(readiness).page("/readyz") == ManagementPages.Page(status: status, body: body))
    }

    @Test func `A loop that does not answer is not ready`() throws {
        #expect(try Process().page("/readyz", turning: [1]).status == .serviceUnavailable)
    }

    @Test func `A scrape adds what the loops say, and is refused when one says nothing`() throws {
        let process = Process()
        let page = try process.page("/metrics")
        #expect(page.status == .ok && page.type == "text/plain; version=0.0.4; charset=utf-8")
        #expect(page.body.contains("\nguests 4\n") && page.body.contains("\nshared 1\n"))
        #expect(page.body.contains("\nprocess_cpu_seconds_total "))
        #expect(try process.page("/metrics", turning: [0]).status == .serviceUnavailable)
    }

    // MARK: HTTP

    @Test(arguments: [
        ("GET /healthz", "200 OK", "ok\n"), ("GET /healthz?x=1", "200 OK", "ok\n"), ("HEAD /healthz", "200 OK", ""),
        ("GET /readyz", "503 Service Unavailable", "starting\n"),
        ("GET /", "404 Not Found", "/healthz, /readyz, /metrics\n"),
        ("GET /healthz/", "404 Not Found", "/healthz, /readyz, /metrics\n"),
        ("POST /healthz", "405 Method Not Allowed", "Only GET and HEAD.\n"),
        ("DELETE /metrics", "405 Method Not Allowed", "Only GET and HEAD.\n"),
    ])
    func `Only GET and HEAD of what there is are answered, once`(line: String, status: String, body: String) throws {
        let asker = try Asker(ManagementPages { MetricsReport() })
        try asker.send("\(line) HTTP/1.1\r\nHost: h\r\n\r\n\(line) HTTP/1.1\r\nHost: h\r\n\r\n")
        let text = try asker.answer()
        #expect(text.hasPrefix("HTTP/1.1 \(status)\r\n"))
        #expect(text.hasSuffix("\r\n\r\n\(body)"))
        #expect(!asker.channel.isActive)
    }
}
