import NIOCore
import NIOEmbedded
import NIOWebSocket
import Testing

@testable import Frontdoor

@Suite struct ClientSocketHandlerTests {
    /// A client that was told `ready`.
    private func client(_ settings: String = "") throws -> (TestDoor, TestClient) {
        let door = try TestDoor(settings)
        try door.addWorker()
        let client = try TestClient(door)
        #expect(try client.frames() == [TestClient.ready])
        return (door, client)
    }

    private let unknown = TestClient.error("Unknown account specified: alice@example.org")

    // MARK: Ready

    @Test func `E01 With a serving worker a client is told ready at once, and read`() throws {
        let (door, client) = try client()
        #expect(client.isRead == true)
        door.pass(.seconds(20))
        #expect(try client.frames().isEmpty, "once")
    }

    @Test func `B04 D01 What comes before ready is held, and answered in order after it`() throws {
        let door = try TestDoor()
        let worker = try door.addWorker()
        worker.isJanusUp = false
        door.pass(.milliseconds(500))
        let client = try TestClient(door)
        try client.ask(.addAccount(), as: "1")
        try client.ask(.addAccount(), as: "2")
        #expect(try client.frames().isEmpty)
        #expect(client.isRead == false)
        worker.isJanusUp = true
        door.pass(.milliseconds(500))
        #expect(
            try client.frames()
                == [TestClient.ready, TestClient.ack("1"), TestClient.error("Account \(alice) already added", "2")])
        #expect(client.isRead == true)
    }

    @Test func `E01 A worker without Janus does not serve`() throws {
        let door = try TestDoor()
        let worker = try door.addWorker()
        worker.isJanusUp = false
        door.pass(.seconds(1))
        let client = try TestClient(door)
        #expect(try client.frames().isEmpty)
        worker.isJanusUp = true
        door.pass(.seconds(1))
        #expect(try client.frames() == [TestClient.ready])
    }

    @Test func `B03 Without a serving worker for five seconds who waits is turned away`() throws {
        let door = try TestDoor()
        let worker = try door.addWorker()
        let established = try TestClient(door)
        worker.isJanusUp = false
        door.pass(.milliseconds(500))
        let waiting = try TestClient(door)
        door.pass(.milliseconds(4500))
        #expect(try waiting.frames().isEmpty)
        door.pass(.milliseconds(500))
        #expect(try waiting.frames() == [TestClient.closing(3000, "no worker is available")])
        #expect(try established.frames() == [TestClient.ready], "who was let in stays")
        door.pass(.seconds(1))
        #expect(!waiting.channel.isActive && established.channel.isActive)
    }

    // MARK: Frames

    @Test func `B02 A text message is a request, and its answer is a text message`() throws {
        let (_, client) = try client()
        try client.ask(.removeAccount())
        #expect(try client.frames() == [unknown])
    }

    @Test func `B02 A message may come in fragments, with control frames between them`() throws {
        let (_, client) = try client()
        let text = Array(Ask.addAccount(displayName: "Alicé").text("é").utf8)
        try client.send(.text, Array(text.prefix(1)), isLast: false)
        for byte in text.dropFirst().dropLast() {
            try client.send(.continuation, [byte], isLast: false)
        }
        try client.send(.ping, Array("hi".utf8))
        #expect(try client.frames() == [.pong(Array("hi".utf8))])
        try client.send(.continuation, Array(text.suffix(1)))
        #expect(try client.frames() == [TestClient.ack(#"\u00e9"#)])
        try client.send(.text, Array(Ask.removeAccount().text("t").utf8), isLast: false)
        try client.send(.continuation)
        #expect(try client.frames() == [TestClient.ack()])
    }

    @Test func `B02 A frame may come byte by byte, and several frames at once`() throws {
        let (_, client) = try client()
        var bytes = TestClient.bytes(.text, Array(Ask.removeAccount().text("t").utf8))
        var twice = bytes
        while let byte = bytes.readSlice(length: 1) { try client.channel.writeInbound(byte) }
        #expect(try client.frames() == [unknown])
        var copy = twice
        twice.writeBuffer(&copy)
        try client.channel.writeInbound(twice)
        #expect(try client.frames() == [unknown, unknown])
    }

    @Test func `B02 A message of 256 KiB is read, one byte more closes`() throws {
        let (_, client) = try client()
        let request = Ask("account-remove", #""account":"\#(alice)","padding":"""#).text("t")
        let padding = String(repeating: "x", count: Limits().messageSize - request.utf8.count)
        let largest = String(request.dropLast(2)) + padding + "\"}"
        #expect(largest.utf8.count == 256 << 10)
        try client.say(largest)
        #expect(try client.frames() == [unknown])
        try client.say(largest + " ")
        #expect(try client.frames() == [TestClient.closing(1009, "message too large")])
    }

    @Test(arguments: [(2, 131_073), (1025, 1)])
    func `B02 Fragments that are too much together, or too many, close`(count: Int, size: Int) throws {
        let (_, client) = try client()
        let fragment = [UInt8](repeating: UInt8(ascii: " "), count: size)
        for number in 0..<count {
            try client.send(number == 0 ? .text : .continuation, fragment, isLast: number == count - 1)
        }
        #expect(try client.frames() == [TestClient.closing(1009, "message too large")])
    }

    @Test(arguments: [
        [0xFF, 0xFE], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x7B, 0x80, 0x7D],
    ])
    func `B02 Text that is not UTF-8 closes`(text: [UInt8]) throws {
        let (_, client) = try client()
        try client.send(.text, text)
        #expect(try client.frames() == [TestClient.closing(1007, "text must be UTF-8")])
    }

    @Test func `B02 Frames that are not masked close`() throws {
        for opcode in [WebSocketOpcode.text, .binary, .ping] {
            let (_, client) = try client()
            try client.send(opcode, Array("{}".utf8), isMasked: false)
            #expect(try client.frames() == [TestClient.closing(1002, "frames must be masked")])
        }
        let (_, client) = try client()
        try client.send(.text, Array("{".utf8), isLast: false)
        try client.send(.continuation, Array("}".utf8), isMasked: false)
        #expect(try client.frames() == [TestClient.closing(1002, "frames must be masked")], "a fragment")
    }

    @Test(arguments: [UInt8(4), 2, 1, 7])
    func `B02 Frames of extensions that were not agreed on close`(reserved: UInt8) throws {
        let (_, client) = try client()
        try client.send(.text, Array("{}".utf8), reserved: reserved)
        #expect(try client.frames() == [TestClient.closing(1002, "protocol error")])
    }

    @Test func `B02 Frames that no message can have close`() throws {
        func closing(_ send: (TestClient) throws -> Void) throws -> [TestClient.Frame] {
            let (_, client) = try client()
            try send(client)
            return try client.frames()
        }
        #expect(
            try closing { try $0.send(WebSocketOpcode(encodedWebSocketOpcode: 3) ?? .text) }
                == [TestClient.closing(1002, "unexpected frame")])
        let protocolError = [TestClient.closing(1002, "protocol error")]
        #expect(try closing { try $0.send(.continuation, [0x7D]) } == protocolError, "a fragment of nothing")
        #expect(
            try closing {
                try $0.send(.text, [0x7B], isLast: false)
                try $0.send(.text, [0x7B])
            } == protocolError, "a message within a message")
        #expect(
            try closing {
                try $0.send(.text, [0x7B], isLast: false)
                try $0.send(.text, [0x7B], isLast: false)
            } == protocolError, "a message within a message")
        #expect(try closing { try $0.send(.ping, [], isLast: false) } == protocolError, "half a ping")
        #expect(
            try closing { try $0.send(.ping, [UInt8](repeating: 0, count: 126)) } == protocolError,
            "a ping that is too long")
    }

    @Test func `B02 Binary messages are ignored, and the connection survives`() throws {
        let (_, client) = try client()
        try client.send(.binary, Array(Ask.removeAccount().text("t").utf8))
        try client.send(.binary, [0xFF], isLast: false)
        try client.send(.continuation, [0xFF])
        #expect(try client.frames().isEmpty)
        try client.ask(.removeAccount())
        #expect(try client.frames() == [unknown])
    }

    @Test func `B02 What cannot be answered is ignored`() throws {
        let (_, client) = try client()
        for text in ["", "{", "[]", "null", #"{"sylkrtc":"account-remove"}"#] { try client.say(text) }
        #expect(try client.frames().isEmpty)
        #expect(client.channel.isActive)
    }

    @Test func `A ping is answered with its own payload`() throws {
        let (_, client) = try client()
        try client.send(.ping)
        try client.send(.ping, [UInt8](0..<125))
        #expect(try client.frames() == [.pong([]), .pong([UInt8](0..<125))])
    }

    // MARK: Pausing

    @Test func `B36 What was read when reading was paused is held, and worked off in order`() throws {
        let (_, client) = try client()
        client.handler.pauseReading()
        #expect(client.isRead == false)
        for number in 1...3 { try client.ask(.removeAccount(), as: "\(number)") }
        try client.send(.ping)
        #expect(try client.frames() == [.pong([])], "pings are answered all the same")
        client.handler.resumeReading()
        #expect(client.isRead == true)
        #expect(
            try client.frames() == (1...3).map { TestClient.error("Unknown account specified: \(alice)", "\($0)") })
        client.handler.resumeReading()
        try client.ask(.removeAccount())
        #expect(try client.frames() == [unknown])
    }

    @Test func `Nothing that was held is answered after the connection has closed`() throws {
        let (door, client) = try client()
        client.handler.pauseReading()
        try client.ask(.removeAccount())
        client.channel.close(promise: nil)
        door.loop.run()
        client.handler.resumeReading()
        client.handler.pauseReading()
        #expect(try client.frames().isEmpty)
    }

    // MARK: Closing

    @Test(arguments: [UInt16(1000), 1001, 4321])
    func `A close is answered with its own code, and the connection ends`(code: UInt16) throws {
        let (_, client) = try client()
        try client.send(.connectionClose, TestClient.closingBytes(code, "bye"))
        #expect(try client.frames() == [TestClient.closing(code)])
        #expect(!client.channel.isActive)
    }

    @Test(arguments: [[], [3]])
    func `A close without a code is answered without one`(payload: [UInt8]) throws {
        let (_, client) = try client()
        try client.send(.connectionClose, payload)
        #expect(try client.frames() == [.close([])])
        #expect(!client.channel.isActive)
    }

    @Test func `A close is answered even while the client is not read`() throws {
        let (_, client) = try client()
        client.handler.pauseReading()
        try client.send(.connectionClose, TestClient.closingBytes(1000))
        #expect(try client.frames() == [TestClient.closing(1000)])
    }

    @Test func `A client that is closed has a second to say so, too`() throws {
        let (door, client) = try client()
        client.handler.close(code: 1001, reason: "the gateway is going away")
        client.handler.close(code: 3000, reason: "again")
        #expect(try client.frames() == [TestClient.closing(1001, "the gateway is going away")])
        door.pass(.milliseconds(999))
        #expect(client.channel.isActive)
        door.pass(.milliseconds(1))
        #expect(!client.channel.isActive)
    }

    @Test func `A client that closes, too, is let go at once`() throws {
        let (_, client) = try client()
        client.handler.close(code: 1001, reason: "")
        try client.send(.connectionClose, TestClient.closingBytes(1001))
        #expect(try client.frames() == [TestClient.closing(1001)], "and not answered again")
        #expect(!client.channel.isActive)
    }

    @Test func `After its close frame nothing else is sent, and nothing else is heard`() throws {
        let (door, client) = try client()
        client.handler.pauseReading()
        client.handler.close(code: 1001, reason: "")
        #expect(client.isRead == true, "the client's close frame is awaited")
        client.handler.send(Array("late".utf8))
        try client.ask(.removeAccount())
        try client.send(.ping)
        try client.send(.text, [0xFF])
        try client.send(.text, [0x7D], isMasked: false)
        #expect(try client.frames() == [TestClient.closing(1001)])
        door.pass(.seconds(2))
        client.handler.send(Array("later".utf8))
        #expect(try client.frames().isEmpty)
    }

    @Test func `A reason is cut to what a close frame holds`() throws {
        let (_, client) = try client()
        client.handler.close(code: 1001, reason: String(repeating: "x", count: 200))
        #expect(try client.frames() == [TestClient.closing(1001, String(repeating: "x", count: 123))])
    }

    @Test func `A broken connection ends without a word`() throws {
        let (_, client) = try client()
        client.channel.pipeline.fireErrorCaught(ChannelError.inputClosed)
        #expect(!client.channel.isActive)
        #expect(try client.frames().isEmpty)
    }

    @Test func `When the front door goes away every client hears it`() throws {
        let (door, client) = try client()
        var isStopped = false
        door.door.stop { isStopped = true }
        #expect(try client.frames() == [TestClient.closing(1001, "the gateway is going away")])
        door.pass(.seconds(1))
        #expect(isStopped)
        #expect(!client.channel.isActive)
    }

    // MARK: Liveness

    private let pings = "[General]\nwebsocket_ping_interval = 10"

    @Test func `B05 A ping goes out after the interval, and the next that long after its pong`() throws {
        let (door, client) = try client(pings)
        door.pass(.milliseconds(9999))
        #expect(try client.frames().isEmpty)
        door.pass(.milliseconds(1))
        #expect(try client.frames() == [.ping([0, 0, 0, 1])])
        door.pass(.seconds(4))
        try client.send(.pong, [0, 0, 0, 1])
        door.pass(.milliseconds(9999))
        #expect(try client.frames().isEmpty)
        door.pass(.milliseconds(1))
        #expect(try client.frames() == [.ping([0, 0, 0, 2])])
    }

    @Test func `B05 Without a pong within half the interval the connection is aborted`() throws {
        let (door, client) = try client(pings)
        door.pass(.seconds(10))
        try client.send(.pong, [0, 0, 0, 9])
        try client.send(.pong)
        try client.ask(.removeAccount())
        door.pass(.milliseconds(4999))
        #expect(client.channel.isActive)
        door.pass(.milliseconds(1))
        #expect(!client.channel.isActive)
        #expect(try client.frames() == [.ping([0, 0, 0, 1]), unknown], "no close frame")
    }

    @Test func `B05 With an interval of 0 no ping is ever sent`() throws {
        let (door, client) = try client("[General]\nwebsocket_ping_interval = 0")
        door.pass(.minutes(2))
        #expect(try client.frames().isEmpty)
        #expect(client.channel.isActive)
    }

    @Test func `B05 While the client is not read its pong is not missed`() throws {
        let (door, client) = try client(pings)
        door.pass(.seconds(10))
        client.handler.pauseReading()
        door.pass(.seconds(30))
        #expect(client.channel.isActive)
        client.handler.resumeReading()
        #expect(try client.frames() == [.ping([0, 0, 0, 1])])
        door.pass(.seconds(10))
        #expect(try client.frames() == [.ping([0, 0, 0, 2])])
    }

    // MARK: Clients that do not read

    @Test func `B36 A client that is not writable for ten seconds is aborted`() throws {
        let (door, client) = try client()
        func becomes(writable: Bool) {
            client.channel.isWritable = writable
            client.channel.pipeline.fireChannelWritabilityChanged()
        }
        becomes(writable: false)
        door.pass(.seconds(9))
        becomes(writable: true)
        door.pass(.seconds(9))
        #expect(client.channel.isActive)
        becomes(writable: false)
        door.pass(.milliseconds(9999))
        #expect(client.channel.isActive)
        door.pass(.milliseconds(1))
        #expect(!client.channel.isActive)
    }

    @Test func `B36 A client for which more than a mebibyte waits is aborted`() throws {
        let (_, client) = try client()
        client.channel.isWritable = false
        let message = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 18)
        for _ in 0..<3 { client.handler.send(message) }
        #expect(client.channel.isActive)
        client.handler.send(message)
        #expect(!client.channel.isActive)
    }

    @Test func `B36 Pings that are not read when answered count, too`() throws {
        let (_, client) = try client()
        client.channel.isWritable = false
        client.handler.send([UInt8](repeating: UInt8(ascii: "x"), count: Limits().unsentBytes - 1000))
        let ping = TestClient.bytes(.ping, [UInt8](repeating: 0, count: 125))
        for _ in 0..<6 { try client.channel.writeInbound(ping) }
        #expect(client.channel.isActive)
        for _ in 0..<4 where client.channel.isActive { try client.channel.writeInbound(ping) }
        #expect(!client.channel.isActive)
    }

    @Test func `As long as the client reads, any amount may be on its way`() throws {
        let (_, client) = try client()
        let message = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 18)
        for _ in 0..<10 { client.handler.send(message) }
        #expect(client.channel.isActive)
        #expect(try client.frames().count == 10)
    }
}
