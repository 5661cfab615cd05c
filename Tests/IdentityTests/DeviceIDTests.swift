import Identity
import Testing

@Suite struct DeviceIDTests {
    @Test func `B33 A device id is the md5 of where the client is, in base64 without its padding`() {
        #expect(DeviceID(address: "127.0.0.1", port: 50000, isVersion4: true).description == "TWLzVP9krt0S5fURtSOuiw")
    }

    @Test func `B33 Version and port are part of it`() {
        let ids = [
            DeviceID(address: "127.0.0.1", port: 50000, isVersion4: true),
            DeviceID(address: "127.0.0.1", port: 50001, isVersion4: true),
            DeviceID(address: "::1", port: 50000, isVersion4: false),
        ]
        #expect(Set(ids).count == 3)
        #expect(ids.allSatisfy { $0.description.count == 22 })
    }
}
