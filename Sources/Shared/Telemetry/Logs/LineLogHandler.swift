import Foundation
import Logging

/// Writes log records to standard error, each in one piece.
struct LineLogHandler: LogHandler {
    let label: String
    let format: LogFormat
    let write: @Sendable ([UInt8]) -> Void
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(
        label: String, format: LogFormat, level: Logger.Level,
        write: @escaping @Sendable ([UInt8]) -> Void = Self.writeToStandardError
    ) {
        self.label = label
        self.format = format
        self.write = write
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var metadata = metadata
        if let provided = metadataProvider?.get() { metadata.merge(provided) { $1 } }
        if let own = event.metadata { metadata.merge(own) { $1 } }
        if let error = event.error { metadata[LogKey.error.rawValue] = "\(error)" }
        let record = LogRecord(
            time: .now, level: event.level, label: label, message: event.message.description, metadata: metadata)
        write(record.line(format))
    }

    /// There is nobody to tell of a failure.
    @Sendable static func writeToStandardError(_ line: [UInt8]) {
        while Foundation.write(STDERR_FILENO, line, line.count) < 0, errno == EINTR {}
    }
}
