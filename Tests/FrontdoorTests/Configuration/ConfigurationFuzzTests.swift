import Foundation
import Settings
import TestSupport
import Testing

@testable import Frontdoor

@Suite struct ConfigurationFuzzTests {
    @Test func `Any configuration file is taken or refused with reasons`() throws {
        let path = try TemporaryFolder.file("")
        let finding = Fuzzing("front-door-configurations", from: "ini", count: 800).run { input in
            try Data(input).write(to: URL(fileURLWithPath: path))
            do throws(SettingsError) {
                let configuration = try FrontdoorConfiguration(file: path)
                guard (1...64).contains(configuration.loops), (0...65535).contains(configuration.listen.port) else {
                    throw SettingsError(problems: [])
                }
            } catch {
                guard !error.problems.isEmpty else { throw Fuzzing.Finding("a bound was not kept") }
            }
        }
        #expect(finding == nil)
    }
}
