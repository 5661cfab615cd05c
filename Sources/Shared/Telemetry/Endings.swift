import Foundation

/// What `--version` says.
public let productVersion = "0.1.0"

/// The `Server` header: existing deployments look for the first product (protocol page, section 1).
public let serverHeader = "SylkServer/\(productVersion) (Continuo)"

/// Ends the process because its configuration cannot be used (status 78, EX_CONFIG of sysexits.h), in one line.
public func endForConfiguration(_ problems: [String]) -> Never {
    endInOneLine("configuration: \(problems.joined(separator: "; "))", status: 78)
}

/// Ends the process because it cannot do its work, in one line.
public func endForFailure(_ problem: String) -> Never { endInOneLine(problem, status: EXIT_FAILURE) }

/// Ends the process with such a status, and says why in one line on standard error.
public func endInOneLine(_ text: String, status: Int32) -> Never {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
    exit(status)
}
