import Testing

@testable import Identity

@Suite struct SharedSecretTests {
    @Test func `B31 A secret is known whole, byte by byte`() {
        let secret = SharedSecret("s3cr\u{E9}t")
        #expect(secret.equals("s3cr\u{E9}t"))
        // The same letter in two code points is another secret.
        for other in ["", "s3cr", "s3cr\u{E9}t ", "S3cr\u{E9}t", "s3cre\u{301}t", "s3cr\u{E9}u"] {
            #expect(!secret.equals(other))
        }
    }

    @Test func `D56 A secret is nowhere in what is said of it`() {
        var text = ""
        dump(SharedSecret("hush"), to: &text)
        #expect(!text.contains("hush"))
    }

    @Test func `A digest is that of SHA-256`() {
        // FIPS 180-2, appendix B.1.
        #expect(
            TextDigest(of: "abc").hexadecimal == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }
}
