import Identity
import Testing

/// Every id has one spelling: what is accepted is written again as it was read.
@Suite struct TextFormTests {
    private static let longName = String(repeating: "n", count: 32)

    @Test(arguments: ["a", "default", "0", "-", "prod-2", longName])
    func `A deployment and a node are called by 1 to 32 of a-z, 0-9 and dash`(text: String) {
        #expect(DeploymentID(text)?.description == text)
        #expect(NodeName(text)?.description == text)
    }

    @Test(arguments: ["", longName + "n", "Default", "a_b", "a.b", "a/b", "a:b", " a", "a\n", "é", "a\u{0}", "１"])
    func `Other names of deployments and nodes are refused`(text: String) {
        #expect(DeploymentID(text) == nil)
        #expect(NodeName(text) == nil)
    }

    @Test(arguments: ["host1/1", "host1/999", "-/7", longName + "/10"])
    func `A slot is read and written as node and number`(text: String) throws {
        let slot = try #require(SlotID(text))
        #expect(slot.description == text)
        #expect(SlotID(node: slot.node, number: slot.number) == slot)
    }

    @Test(arguments: [
        "", "/", "host1", "host1/", "/1", "host1/0", "host1/1000", "host1/-1", "host1/+1", "host1/01", "host1/1 ",
        "host1/1/1", "Host1/1", "host1/1.0", "host1/1e0", "host1/99999999999999999999", "host1/１",
    ])
    func `Other spellings of a slot are refused`(text: String) {
        #expect(SlotID(text) == nil)
    }

    @Test func `A slot's number is 1 to 999`() throws {
        let node = try #require(NodeName("host1"))
        #expect(SlotID(node: node, number: 0) == nil)
        #expect(SlotID(node: node, number: 1)?.description == "host1/1")
        #expect(SlotID(node: node, number: 999)?.description == "host1/999")
        #expect(SlotID(node: node, number: 1000) == nil)
        #expect(SlotID(node: node, number: .min) == nil)
    }

    @Test func `A front door's number is 1 to 65535, in numerical order`() throws {
        #expect(FrontdoorID(0) == nil)
        #expect(FrontdoorID(-1) == nil)
        #expect(FrontdoorID(65_536) == nil)
        #expect(FrontdoorID(.max) == nil)
        let (ninth, tenth) = (try #require(FrontdoorID(9)), try #require(FrontdoorID(10)))
        #expect(ninth < tenth)
        #expect(FrontdoorID(65_535)?.description == "65535")
    }

    @Test(arguments: ["f1.0.0", "f1.m0abc123.3", "f65535.3w5e11264sgsf.65535"])
    func `A loop of a front door is read and written`(text: String) throws {
        let loop = try #require(FrontdoorLoopID(text))
        #expect(loop.description == text)
        #expect(
            FrontdoorLoopID(frontdoor: loop.frontdoor, incarnation: loop.incarnation, loop: loop.loop) == loop)
    }

    @Test(arguments: [
        "", "f", "f1", "f1.a", "f1.a.", "f1..0", "f.a.0", "1.a.0", "g1.a.0", "F1.a.0", "ff1.a.0", "f0.a.0",
        "f65536.a.0", "f+1.a.0", "f01.a.0", "f-1.a.0", "f1.A.0", "f1.+a.0", "f1.0a.0", "f1.-1.0", "f1.ä.0",
        "f1.3w5e11264sgsg.0", "f1.a.65536", "f1.a.+0", "f1.a.00", "f1.a.-0", "f1.a.b", " f1.a.0", "f1.a.0 ",
        "f1.a.0.", "f1.a.0.1", "f1. a.0", "f\u{301}1.a.0",
    ])
    func `Other spellings of a loop are refused`(text: String) {
        #expect(FrontdoorLoopID(text) == nil)
    }

    @Test(arguments: ["f1.a.0.1", "f65535.3w5e11264sgsf.65535.18446744073709551615"])
    func `A connection is read and written`(text: String) throws {
        let connection = try #require(ConnectionID(text))
        #expect(connection.description == text)
        #expect(ConnectionID(owner: connection.owner, number: connection.number) == connection)
    }

    @Test(arguments: [
        "", ".", "1", "f1.a.0", "f1.a.0.", "f1.a.0.x", "f1.a.0.+1", "f1.a.0.01", "f1.a.0.-1", "f1.a.0.1.1",
        "f1.a.0.18446744073709551616", "f1.a.0.1\n",
    ])
    func `Other spellings of a connection are refused`(text: String) {
        #expect(ConnectionID(text) == nil)
    }

    @Test(arguments: ["f1.a.0.1.1", "f65535.3w5e11264sgsf.65535.18446744073709551615.18446744073709551615"])
    func `A session is read and written`(text: String) throws {
        let session = try #require(SessionID(text))
        #expect(session.description == text)
        #expect(SessionID(connection: session.connection, request: session.request) == session)
    }

    @Test(arguments: [
        "", "f1.a.0.1", "f1.a.0.1.", "f1.a.0.1.x", "f1.a.0.1.+1", "f1.a.0.1.01", "f1.a.0.+1.1", "f1.a.0.1.1.1",
        "f1.a.0.1.18446744073709551616", "rooms",
    ])
    func `Other spellings of a session are refused`(text: String) {
        #expect(SessionID(text) == nil)
    }

    @Test func `Requests of a connection are ordered by their number`() {
        #expect(RequestSequence(rawValue: 9) < RequestSequence(rawValue: 10))
        #expect(RequestSequence(rawValue: .max).description == "18446744073709551615")
    }

    @Test func `A client may call its session anything of 1 to 128 bytes`() {
        for text in ["a", " ", "..", "Videoroom", "videoroom2", String(repeating: "x", count: 128)] {
            #expect(ClientSessionID(text)?.description == text)
        }
        #expect(ClientSessionID(String(repeating: "é", count: 64)) != nil)
    }

    @Test func `D42 Session ids that only look the same are two`() {
        let composed = ClientSessionID("\u{e9}")
        let decomposed = ClientSessionID("e\u{301}")
        #expect(composed?.description == decomposed?.description)
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed, ClientSessionID("\u{e9}")]).count == 2)
    }

    @Test func `D42 A session id is not empty, not too long and not the server's own name`() {
        #expect(ClientSessionID("") == nil)
        #expect(ClientSessionID("videoroom") == nil)
        #expect(ClientSessionID(String(repeating: "x", count: 129)) == nil)
        #expect(ClientSessionID(String(repeating: "é", count: 65)) == nil)
    }
}
