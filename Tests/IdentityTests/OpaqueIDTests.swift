import Identity
import Testing

@Suite struct OpaqueIDTests {
    private let deployment: DeploymentID
    private let slot: SlotID
    private let session: SessionID

    init() throws {
        deployment = try #require(DeploymentID("prod"))
        slot = try #require(SlotID("host1/2"))
        session = try #require(SessionID("f1.abc.0.7.12"))
    }

    @Test func `A session's handle bears its session`() {
        let id = OpaqueID(deployment: deployment, slot: slot, purpose: .session(session))
        #expect(id.description == "c1:prod:host1/2:f1.abc.0.7.12")
        #expect(OpaqueID("c1:prod:host1/2:f1.abc.0.7.12") == id)
    }

    @Test func `The handle for rooms says so`() {
        let id = OpaqueID(deployment: deployment, slot: slot, purpose: .rooms)
        #expect(id.description == "c1:prod:host1/2:rooms")
        #expect(OpaqueID("c1:prod:host1/2:rooms") == id)
    }

    @Test func `A registration's spare handle says whose it is`() {
        let id = OpaqueID(deployment: deployment, slot: slot, purpose: .spare(of: session))
        #expect(id.description == "c1:prod:host1/2:spare-f1.abc.0.7.12")
        #expect(OpaqueID("c1:prod:host1/2:spare-f1.abc.0.7.12") == id)
        #expect(id != OpaqueID(deployment: deployment, slot: slot, purpose: .session(session)))
    }

    @Test func `A handle that waits for a call has a number`() {
        let id = OpaqueID(deployment: deployment, slot: slot, purpose: .pooled(7))
        #expect(id.description == "c1:prod:host1/2:pooled-7")
        #expect(OpaqueID("c1:prod:host1/2:pooled-7") == id)
        #expect(OpaqueID("c1:prod:host1/2:pooled-07") == nil)
    }

    @Test func `Every opaque id begins with its slot's mark`() {
        let mark = OpaqueID.mark(of: slot, in: deployment)
        #expect(mark == "c1:prod:host1/2")
        for purpose in [OpaqueID.Purpose.rooms, .session(session), .spare(of: session)] {
            let id = OpaqueID(deployment: deployment, slot: slot, purpose: purpose)
            #expect(id.description.hasPrefix(mark + ":"))
        }
    }

    @Test func `Other deployments and other slots are told apart`() throws {
        let ours = OpaqueID(deployment: deployment, slot: slot, purpose: .rooms)
        let neighbour = try #require(OpaqueID("c1:prod:host1/3:rooms"))
        let stranger = try #require(OpaqueID("c1:staging:host1/2:rooms"))
        #expect(neighbour != ours && neighbour.deployment == deployment && neighbour.slot != slot)
        #expect(stranger != ours && stranger.deployment != deployment && stranger.slot == slot)
    }

    @Test(arguments: [
        "", "c1", "c1:prod:host1/2", "c1:prod:host1/2:", "c1:prod:host1/2:rooms:", ":c1:prod:host1/2:rooms",
        "c2:prod:host1/2:rooms", "C1:prod:host1/2:rooms", "c1:Prod:host1/2:rooms", "c1::host1/2:rooms",
        "c1:prod:host1:rooms", "c1:prod:host1/02:rooms", "c1:prod:host1/2:Rooms", "c1:prod:host1/2:room",
        "c1:prod:host1/2:f1.abc.0.7", "c1:prod:host1/2:f1.abc.0.7.12.1", "c1:prod:host1/2:f1.ABC.0.7.12",
        "c1:prod:host1/2:spare-", "c1:prod:host1/2:spare-f1.abc.0.7", "c1:prod:host1/2:spare-rooms",
        "c1:prod:host1/2:Spare-f1.abc.0.7.12", "c1:prod:host1/2:spare-spare-f1.abc.0.7.12",
        "c1:prod:host1/2:f1.abc.0.7.+12", "c1:prod:host1/2:rooms\n", " c1:prod:host1/2:rooms",
        "videoroomtest-abcdefghijkl", "5dd9b1a0-0f7e-4f1c-8e0f-c0ffee000000",
    ])
    func `Marks that are not ours are foreign`(text: String) {
        #expect(OpaqueID(text) == nil)
    }
}
