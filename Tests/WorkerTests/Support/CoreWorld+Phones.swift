import Identity
import Sylkrtc
import Testing

@testable import Worker

/// Telephones of a whole worker.
extension CoreWorld {
    /// Alice is registered on connection 1, and Bob's call to her rings there.
    func ringAlice() throws -> (handle: UInt64, call: RequestSequence) {
        request(registering(), 1, 1)
        let handle = try #require(janusHandle(of: 1, 1))
        janus.registrarAnswers(handle)
        settle()
        janus.callerRings(handle, callID: "one")
        settle()
        advance(by: JanusHandle<SIPMessage>.inviteTime)
        return (handle, try #require(core.conferences?.telephony.calls.keys.first).request)
    }
}
