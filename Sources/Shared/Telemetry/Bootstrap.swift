import Logging

/// Where log records go: standard error, one line each, everything of `level` and above.
public func bootstrapLogging(level: Logger.Level, format: LogFormat) {
    LoggingSystem.bootstrap { label in LineLogHandler(label: label, format: format, level: level) }
}
