import Testing

@testable import Worker

@Suite struct JanusErrorTests {
    @Test func `Janus's own words are repeated unchanged`() {
        #expect(JanusError.core(code: 459, reason: "No such handle 7").reason == "No such handle 7")
        #expect(JanusError.plugin(code: 426, reason: "No such room").reason == "No such room")
    }

    @Test func `the code is Janus's, whichever layer it came from`() {
        #expect(JanusError.core(code: 459, reason: "").code == 459)
        #expect(JanusError.plugin(code: 426, reason: "").code == 426)
        for error in [JanusError.timedOut, .linkLost, .malformed("x")] { #expect(error.code == nil) }
    }

    @Test(arguments: [(458, true), (459, true), (403, false), (424, false), (426, false), (468, false)])
    func `core errors that say that there is nothing to remove`(code: Int, isGone: Bool) {
        #expect(JanusError.core(code: code, reason: "").saysAlreadyGone == isGone)
    }

    @Test(arguments: [(424, true), (426, true), (458, false), (427, false), (428, false), (436, false)])
    func `plugin errors that say that there is nothing to remove`(code: Int, isGone: Bool) {
        #expect(JanusError.plugin(code: code, reason: "").saysAlreadyGone == isGone)
    }

    @Test func `a request that nobody answered removed nothing`() {
        for error in [JanusError.timedOut, .linkLost, .malformed("x")] { #expect(!error.saysAlreadyGone) }
    }
}
