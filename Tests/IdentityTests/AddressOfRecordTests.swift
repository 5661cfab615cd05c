import Identity
import Testing

@Suite struct AddressOfRecordTests {
    @Test(arguments: [
        "alice@example.com", "sip:alice@example.com", "sips:alice@example.com", "SIP:alice@EXAMPLE.com",
        "sip:alice@Example.COM:5060", "alice:secret@example.com", "sip:alice@example.com;transport=tcp",
        "sip:alice@example.com:5061;lr?subject=x", "sip:alice@example.com?subject=project%20x",
        "alice@example.com.", "%61lice@example.com", "ali%63e@EXAMPLE.com.:5060",
    ])
    func `D25 Spellings of one address are one address`(text: String) throws {
        let address = try #require(AddressOfRecord(text))
        #expect(address.description == "alice@example.com")
        #expect(address == AddressOfRecord("alice@example.com"))
        #expect(address.user == "alice" && address.domain == "example.com")
    }

    @Test func `D25 Users are compared with case, domains without`() {
        #expect(AddressOfRecord("sip:Alice@Example.COM:5060") == AddressOfRecord("Alice@example.com"))
        #expect(AddressOfRecord("Alice@example.com") != AddressOfRecord("alice@example.com"))
    }

    @Test(arguments: [
        ("sip:alice;day=tuesday@atlanta.com", "alice;day=tuesday@atlanta.com"),
        ("+1-212-555-1212:1234@gateway.com;user=phone", "+1-212-555-1212@gateway.com"),
        ("alice%40Home@Example.com", "alice%40Home@example.com"), ("a%2fb@example.com", "a%2Fb@example.com"),
        ("alice@[2001:DB8::1]:5060", "alice@[2001:db8::1]"),
        ("sips:sip@Example.com", "sip@example.com"),
    ])
    func `A user keeps its case and the escapes it needs`(text: String, normalised: String) {
        #expect(AddressOfRecord(text)?.description == normalised)
    }

    @Test(arguments: ["example.com", "sip:example.com", "sip:192.0.2.4:5060", "sip:[::1]", "alice", "sip:alice"])
    func `An address has a user and a domain`(text: String) {
        #expect(SIPURI(text) != nil)
        #expect(AddressOfRecord(text) == nil)
    }

    @Test func `An address has at most 255 bytes, all parts counted`() {
        let longest = String(repeating: "a", count: 243) + "@example.com"
        #expect(longest.utf8.count == AddressOfRecord.maximumLength)
        #expect(AddressOfRecord(longest)?.description == longest)
        #expect(AddressOfRecord("a" + longest) == nil)
        #expect(AddressOfRecord("sip:" + longest) == nil)
        #expect(AddressOfRecord(longest + ";lr") == nil)
    }

    @Test func `A room is named by a normalised address`() throws {
        let room = try #require(RoomURI("sip:Room1@Conference.Example.com;x=y"))
        #expect(room.description == "Room1@conference.example.com")
        #expect(room == RoomURI(try #require(AddressOfRecord("Room1@conference.example.com"))))
        #expect(room.address.user == "Room1")
        #expect(RoomURI("conference.example.com") == nil)
    }
}
