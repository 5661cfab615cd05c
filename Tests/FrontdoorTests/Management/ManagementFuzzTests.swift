import Identity
import Sylkrtc
import Telemetry
import TestSupport
import Testing

@testable import Frontdoor

@Suite struct ManagementFuzzTests {
    @Test func `Any request to the management interface is read within its bounds or refused`() {
        let finding = Fuzzing("management-requests", from: "management").run { input in
            let parts = input.split(separator: UInt8(ascii: " "), maxSplits: 1)
            let path = parts.first.map { String(decoding: $0, as: UTF8.self) } ?? ""
            let body = parts.count > 1 ? Array(parts[1]) : []
            for method in ManagementRequestTests.methods {
                do throws(ManagementRefusal) {
                    switch try ManagementRequest(WholeRequest(method: method, path: path, body: body), secret: nil) {
                    case .push(_, let originator, _):
                        guard originator.utf8.count <= AddressOfRecord.maximumLength else {
                            throw .unusable("")
                        }
                    case .tokens: break
                    case .add(let token, _), .remove(let token, _):
                        guard (1...MessageLimits.deviceToken).contains(token.utf8.count) else { throw .unusable("") }
                    }
                } catch {
                    guard error != .unusable("") else { throw Fuzzing.Finding("a bound was not kept") }
                }
            }
        }
        #expect(finding == nil)
    }

    @Test func `Any answer of a push server is an outcome that says little`() {
        let finding = Fuzzing("push-answers", from: "management").run { input in
            let body = input.split(separator: UInt8(ascii: " "), maxSplits: 1).last.map(Array.init) ?? []
            for status in [200, 400, 410, 500] {
                switch SylkPushMessage.outcome(status, body, token: "c0ffee") {
                case .delivered, .deadToken: break
                case .rejected(_, let reason), .failed(_, let reason), .unreachable(let reason):
                    guard reason.utf8.count <= 259, !reason.contains("c0ffee") else {
                        throw Fuzzing.Finding("it says \(reason)")
                    }
                }
            }
        }
        #expect(finding == nil)
    }
}
