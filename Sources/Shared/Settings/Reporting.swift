import Foundation
import Logging
import Telemetry

extension Logger {
    /// Says at the start what is odd about the configuration.
    public func report(_ warnings: [SettingsWarning]) {
        for warning in warnings {
            log(
                level: warning.isError ? .error : .warning, "\(warning.message)",
                metadata: .keyed([.value: warning.detail]))
        }
    }
}

/// Ends the process after `--check-config`: what is odd, a line each, and that the configuration can be used.
public func endChecked(_ warnings: [SettingsWarning]) -> Never {
    let lines = warnings.map { "warning: \($0.message): \($0.detail)\n" } + ["ok\n"]
    FileHandle.standardOutput.write(Data(lines.joined().utf8))
    exit(EXIT_SUCCESS)
}
