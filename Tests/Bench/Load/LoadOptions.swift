import Foundation
import NIOCore

/// What all users of one run share.
struct LoadOptions: Sendable {
    /// Differs from run to run: nothing is found from the run before.
    let run: String
    let runNumber: Int
    /// JSON.
    let offer: String
    let candidate = """
        {"candidate":"candidate:1 1 udp 2130706431 127.0.0.1 9 typ host","sdpMLineIndex":0,"sdpMid":"0"}
        """
    let secret: String?
    let publishers: Int

    init(offer: String, secret: String?, publishers: Int) throws {
        runNumber = Int(Date().timeIntervalSince1970 * 10) & 0xFFFF_FFFF
        run = String(runNumber, radix: 36)
        self.offer = String(decoding: try JSONEncoder().encode(offer), as: UTF8.self)
        self.secret = secret
        self.publishers = publishers
    }
}
