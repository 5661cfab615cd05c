import ArgumentParser
import CZeroMQ

/// The far end of ``RelayCommand``: sends every message back to whom it came from.
struct EchoWorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo-worker", abstract: "Echoes over ZeroMQ; the other half of relay.")

    @Option(help: "To listen at, ipc:///…")
    var endpoint: String

    func run() throws {
        guard let socket = zmq_socket(zmq_ctx_new(), ZMQ_ROUTER), zmq_bind(socket, endpoint) == 0 else {
            throw ValidationError("\(endpoint): \(String(cString: zmq_strerror(zmq_errno())))")
        }
        var part = zmq_msg_t()
        while true {
            zmq_msg_init(&part)
            guard zmq_msg_recv(&part, socket, 0) >= 0 else { continue }
            zmq_msg_send(&part, socket, zmq_msg_more(&part) != 0 ? ZMQ_SNDMORE : 0)
        }
    }
}
