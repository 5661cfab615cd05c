import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1

/// What the management address says. It asks the loops, and takes silence for an answer: a loop that hangs must not make
/// this hang.
public final class ManagementPages: WholeRequestAnswering {
    /// A loop that does not answer within this does not turn.
    public static let patience = TimeAmount.seconds(1)

    /// A loop with what it can be asked. Both questions are put on the loop.
    public struct Source: Sendable {
        let name: String
        let loop: any EventLoop
        let readiness: @Sendable () -> Readiness
        let metrics: @Sendable () -> MetricsReport

        public init(
            name: String, loop: any EventLoop, readiness: @escaping @Sendable () -> Readiness,
            metrics: @escaping @Sendable () -> MetricsReport
        ) {
            self.name = name
            self.loop = loop
            self.readiness = readiness
            self.metrics = metrics
        }
    }

    typealias Page = WholeReply

    private let sources = NIOLockedValueBox<[Source]>([])
    private let shared: @Sendable () -> MetricsReport

    /// - Parameter shared: what belongs to no loop; called on the management address's own thread.
    public init(shared: @escaping @Sendable () -> MetricsReport) { self.shared = shared }

    /// The loops are there. Before that the process is `starting`.
    public func serve(_ sources: [Source]) { self.sources.withLockedValue { $0 = sources } }

    public func answer(_ request: WholeRequest, on loop: any EventLoop) -> EventLoopFuture<WholeReply> {
        guard request.method == .GET || request.method == .HEAD else {
            return loop.makeSucceededFuture(
                Page(status: .methodNotAllowed, body: "Only GET and HEAD.\n", allow: "GET, HEAD"))
        }
        return page(request.path[...], on: loop)
            ?? loop.makeSucceededFuture(Page(status: .notFound, body: "/healthz, /readyz, /metrics\n"))
    }

    public func refuseBody(of request: WholeRequest) -> WholeReply {
        Page(status: .payloadTooLarge, body: "Nobody reads that.\n")
    }

    /// - Parameter loop: where the answer is wanted.
    func page(_ path: Substring, on loop: any EventLoop) -> EventLoopFuture<Page>? {
        switch path {
        case "/healthz": health(on: loop)
        case "/readyz": readiness(on: loop)
        case "/metrics": metrics(on: loop)
        default: nil
        }
    }

    private func health(on loop: any EventLoop) -> EventLoopFuture<Page> {
        ask(on: loop) { _ in { true } }
            .map { answers in
                let silent = Self.silent(answers)
                guard silent.isEmpty else {
                    return Page(status: .serviceUnavailable, body: "not answering: \(silent)\n")
                }
                return Page(status: .ok, body: "ok\n")
            }
    }

    private func readiness(on loop: any EventLoop) -> EventLoopFuture<Page> {
        ask(on: loop, \.readiness)
            .map { answers in
                let readiness = Readiness.of(answers.map { $0.value ?? .notReady("not answering") })
                return Page(
                    status: readiness.isReady ? .ok : .serviceUnavailable, body: "\(readiness.text)\n")
            }
    }

    /// All or nothing: without one of the loops, counters would seem to run backwards.
    private func metrics(on loop: any EventLoop) -> EventLoopFuture<Page> {
        ask(on: loop, \.metrics)
            .map { [shared] answers in
                let silent = Self.silent(answers)
                guard silent.isEmpty else {
                    return Page(status: .serviceUnavailable, body: "not answering: \(silent)\n")
                }
                var report = MetricsReport()
                for answer in answers { if let value = answer.value { report.add(value) } }
                report.add(shared())
                report.add(ProcessMetrics.report())
                return Page(status: .ok, type: PrometheusText.contentType, body: PrometheusText.text(report))
            }
    }

    private struct Answer<Value: Sendable>: Sendable {
        let name: String
        /// nil: none in time.
        let value: Value?
    }

    private static func silent<Value>(_ answers: [Answer<Value>]) -> String {
        answers.filter { $0.value == nil }.map(\.name).joined(separator: ", ")
    }

    private func ask<Value: Sendable>(
        on loop: any EventLoop, _ question: (Source) -> @Sendable () -> Value
    ) -> EventLoopFuture<[Answer<Value>]> {
        let answers = sources.withLockedValue { $0 }.map { source in
            let promise = loop.makePromise(of: Answer<Value>.self)
            let isOver = NIOLoopBoundBox(false, eventLoop: loop)
            @Sendable func answer(_ value: Value?) {
                guard !isOver.value else { return }
                isOver.value = true
                promise.succeed(Answer(name: source.name, value: value))
            }
            let timer = loop.scheduleTask(in: Self.patience) { answer(nil) }
            source.loop.submit(question(source)).hop(to: loop)
                .whenComplete { result in
                    timer.cancel()
                    answer(try? result.get())
                }
            return promise.futureResult
        }
        return EventLoopFuture.whenAllSucceed(answers, on: loop)
    }
}
