import ArgumentParser
import Foundation
import NIOCore
import NIOPosix

/// Drives users of a server through one scenario and prints what it found as one line of JSON.
struct LoadCommand: AsyncParsableCommand {
    enum Server: String, ExpressibleByArgument, CaseIterable {
        case gateway, floor, janus
    }

    enum Scenario: String, ExpressibleByArgument, CaseIterable {
        /// Accounts are added and removed.
        case account
        /// Everybody joins a room, then sends candidates.
        case trickle
        /// Everybody joins at once, and leaves, several times.
        case join
        /// Connections are opened and held.
        case idle
        /// One participant invites accounts of others.
        case invite
        /// Connections come back somewhere else after they broke.
        case comeBack = "come-back"
    }

    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Puts load on a server and prints one line of JSON.")

    @Option var server: Server
    @Option var scenario: Scenario
    @Option(help: "ws://host:port/path; several: where connections that broke go next.")
    var url: [String]
    @Option var connections = 10
    @Option(help: "Requests of one connection that are under way at once.")
    var inFlight = 1
    @Option var rooms = 1
    @Option(help: "Seconds that are measured.")
    var seconds = 4.0
    @Option(help: "Seconds of load before that.")
    var warmUp = 1.0
    @Option(help: "join: how often. Once more before that, which does not count.")
    var rounds = 2
    @Option(help: "invite: how many accounts.")
    var invited = 10
    @Option(help: "come-back: seconds over which connections that broke are spread before they come back.")
    var jitter = 2.0
    @Option(help: "Connections that are being opened at once.")
    var opening = 32
    @Option(help: "Seconds after which the run is given up.")
    var patience = 60.0
    @Option(help: "A process whose CPU time is told, as name=pid.")
    var process: [String] = []
    @Option(help: "A file with an SDP offer, for joins.")
    var offer: String?

    func run() async throws {
        let subprotocol = server == .janus ? "janus-protocol" : "sylkRTC-1"
        let addresses = url.compactMap { Address($0, subprotocol: subprotocol) }
        guard addresses.count == url.count, !addresses.isEmpty else { throw ValidationError("--url is malformed") }
        var processes: [String: Int] = [:]
        for pair in process {
            let parts = pair.split(separator: "=")
            guard parts.count == 2, let pid = Int(parts[1]) else { throw ValidationError("--process name=pid") }
            processes[String(parts[0])] = pid
        }
        let sdp = try offer.map { try String(contentsOfFile: $0, encoding: .utf8) } ?? ""
        // In the environment, because command lines can be read by everybody.
        let secret = ProcessInfo.processInfo.environment["BENCH_JANUS_SECRET"]
        let options = try LoadOptions(offer: sdp, secret: secret, publishers: max(10, connections / rooms))
        let (command, named) = (self, processes)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let done = loop.makePromise(of: String?.self)
        loop.execute {
            let crowd = Crowd(command, addresses, options, named, on: loop) { done.succeed($0) }
            crowd.start()
            crowd.after(command.patience) { done.succeed("it takes too long") }
        }
        if let problem = try await done.futureResult.get() { throw ValidationError(problem) }
    }
}
