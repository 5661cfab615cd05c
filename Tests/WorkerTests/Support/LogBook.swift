import Logging
import NIOConcurrencyHelpers

/// Remembers log records, instead of writing them anywhere.
final class LogBook: Sendable {
    private struct Record {
        let level: Logger.Level
        let message: String
        let metadata: Logger.Metadata

        func value(_ key: String) -> String? { metadata[key].map { "\($0)" } }
    }

    private struct Handler: LogHandler {
        let book: LogBook
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]
        var metadataProvider: Logger.MetadataProvider?

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let merged = metadata.merging(event.metadata ?? [:]) { $1 }
            book.records.withLockedValue {
                $0.append(Record(level: event.level, message: event.message.description, metadata: merged))
            }
        }
    }

    private let records = NIOLockedValueBox<[Record]>([])

    var logger: Logger { Logger(label: "test") { _ in Handler(book: self) } }

    private func all(_ message: String) -> [Record] { records.withLockedValue { $0.filter { $0.message == message } } }

    /// `level session value` of all records with that message, as far as they have them.
    func lines(_ message: String) -> [String] {
        all(message).map { record in
            [record.level.rawValue, record.value("session"), record.value("value")].compactMap { $0 }
                .joined(separator: " ")
        }
    }

    func rooms(_ message: String) -> Set<String> { Set(all(message).compactMap { $0.value("room") }) }

    func accounts(_ message: String) -> Set<String> { Set(all(message).compactMap { $0.value("account") }) }
}
