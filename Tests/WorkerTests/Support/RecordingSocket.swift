import JSONText

@testable import Worker

/// A socket that only writes down; the test says what comes back.
final class RecordingSocket: JanusSocket {
    private(set) var sent: [String] = []
    private(set) var isClosed = false

    func send(_ text: [UInt8]) { sent.append(String(decoding: text, as: UTF8.self)) }

    func close() { isClosed = true }

    /// The transaction of the n-th message.
    func transaction(_ index: Int) throws -> String { try json(sent[index])["transaction"]?.string ?? "" }
}

/// What a completion was told, readable.
func words(_ result: Result<JanusReply, JanusError>) -> String {
    switch result {
    case .success(.accepted): "accepted"
    case .success(.done): "done"
    case .failure(let error): "failed: \(error.reason)"
    }
}
