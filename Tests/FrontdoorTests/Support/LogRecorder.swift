import Logging
import NIOConcurrencyHelpers

/// Keeps what is logged: `level key=value…`, without the message.
final class LogRecorder: Sendable {
    private struct Handler: LogHandler {
        let book: LogRecorder
        var logLevel = Logger.Level.trace
        var metadata = Logger.Metadata()

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let pairs = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            book.recorded.withLockedValue {
                $0.append((event.message.description, "\(event.level) \(pairs.joined(separator: " "))"))
            }
        }
    }

    private let recorded = NIOLockedValueBox<[(message: String, line: String)]>([])

    var logger: Logger { Logger(label: "test") { [self] _ in Handler(book: self) } }

    var lines: [String] { recorded.withLockedValue { $0.map(\.line) } }

    func lines(_ message: String) -> [String] {
        recorded.withLockedValue { $0.filter { $0.message == message }.map(\.line) }
    }
}
