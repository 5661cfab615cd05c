import Testing

@testable import Frontdoor

@Suite struct InheritedSocketsTests {
    private func descriptors(_ environment: [String: String]) throws -> Range<Int32> {
        try InheritedSockets(environment: environment, process: 4711).descriptors
    }

    @Test(arguments: [(0, 3..<3), (1, 3..<4), (2, 3..<5), (64, 3..<67)] as [(Int, Range<Int32>)])
    func `Sockets are numbered from three`(count: Int, expected: Range<Int32>) throws {
        #expect(try descriptors(["LISTEN_PID": "4711", "LISTEN_FDS": "\(count)"]) == expected)
    }

    @Test func `Names of sockets do not matter`() throws {
        let environment = ["LISTEN_PID": "4711", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "ipv4:ipv6"]
        #expect(try descriptors(environment) == 3..<5)
    }

    @Test(arguments: [
        [:], ["LISTEN_FDS": "1"], ["LISTEN_PID": "4711"], ["LISTEN_PID": "4712", "LISTEN_FDS": "1"],
        ["LISTEN_PID": "4712", "LISTEN_FDS": "nonsense"],
    ])
    func `Without them, or with another process's, there are none`(environment: [String: String]) throws {
        #expect(try descriptors(environment).isEmpty)
    }

    @Test(arguments: ["", "-1", "65", "one", "1 2"])
    func `A count that is none stops the start`(count: String) {
        #expect(throws: ListeningProblem("LISTEN_FDS: legal is 0 to 64")) {
            try descriptors(["LISTEN_PID": "4711", "LISTEN_FDS": count])
        }
    }

    @Test(arguments: ["", "0", "-4711", "me"])
    func `A process id that is none stops the start`(process: String) {
        #expect(throws: ListeningProblem("LISTEN_PID is no process id")) {
            try descriptors(["LISTEN_PID": process, "LISTEN_FDS": "1"])
        }
    }
}
