import Identity
import JSONText
import NIOCore
import Testing

@testable import Worker

@Suite struct JanusSlotSessionTests {
    private let loop = TestLoop()
    private let janus: FakeJanus
    private let gateway: JanusGateway
    private let session: JanusSlotSession
    private let heard = Heard()

    private final class Heard {
        var lines: [String] = []
    }

    init() throws {
        janus = FakeJanus(loop: loop)
        gateway = try connectGateway(janus, loop)
        session = JanusSlotSession(JanusSessionID(rawValue: 811), loop: loop, logger: silentLogger)
        session.lost = { [heard] error in heard.lines.append("lost: \(error.reason)") }
    }

    private func take() {
        session.take(over: gateway) { [heard] result in
            switch result {
            case .success(let origin): heard.lines.append("\(origin)")
            case .failure(let error): heard.lines.append("failed: \(error.reason)")
            }
        }
        loop.run()
    }

    private func run(_ test: () throws -> Void) rethrows {
        defer {
            session.stop()
            loop.end()
        }
        try test()
    }

    @Test func `B09 it is created under the slot's own id`() {
        run {
            take()
            #expect(heard.lines == ["created"])
            #expect(janus.log.map(\.name) == ["create"])
            #expect(janus.sessions.keys.sorted() == [811])
        }
    }

    @Test func `B09 one that exists is claimed (468)`() {
        run {
            janus.addSession(811)
            take()
            #expect(heard.lines == ["claimed"])
            #expect(janus.log.map(\.name) == ["create", "claim"])
        }
    }

    @Test func `any other refusal fails it`() {
        run {
            janus.interfere = { _ in .refuse(403, "Unauthorized") }
            take()
            #expect(heard.lines == ["failed: Unauthorized"])
        }
    }

    @Test func `one that goes between the two requests fails it`() {
        run {
            janus.addSession(811)
            janus.interfere = { $0.name == "claim" ? .refuse(458, "No such session") : .proceed }
            take()
            #expect(heard.lines == ["failed: No such session"])
            loop.advance(by: .seconds(30))
            #expect(janus.count("keepalive") == 0)
        }
    }

    @Test(arguments: [false, true])
    func `B09 it is kept alive every five seconds`(isClaimed: Bool) {
        run {
            if isClaimed { janus.addSession(811) }
            take()
            loop.advance(by: .milliseconds(4999))
            #expect(janus.count("keepalive") == 0)
            loop.advance(by: .milliseconds(1))
            #expect(janus.count("keepalive") == 1)
            loop.advance(by: .seconds(15))
            #expect(janus.count("keepalive") == 4)
            #expect(janus.log.last?.session == 811)
            #expect(heard.lines.count == 1)
        }
    }

    @Test func `B09 a keepalive that finds no session tells the loss`() {
        run {
            take()
            janus.interfere = { _ in .refuse(458, "No such session") }
            loop.advance(by: .seconds(5))
            loop.run()
            #expect(heard.lines == ["created", "lost: No such session"])
        }
    }

    @Test func `B09 a keepalive without an answer tells that Janus hangs`() {
        run {
            take()
            janus.interfere = { _ in .drop }
            loop.advance(by: .seconds(5))
            loop.advance(by: .seconds(9))
            gateway.timerFired(at: loop.now)
            #expect(heard.lines == ["created"])
            loop.advance(by: .seconds(1))
            gateway.timerFired(at: loop.now)
            #expect(heard.lines == ["created", "lost: request timed out"])
        }
    }

    @Test func `a keepalive on a link that broke tells nothing, the link does`() {
        run {
            take()
            janus.interfere = { _ in .drop }
            loop.advance(by: .seconds(5))
            gateway.lost()
            loop.advance(by: .seconds(5))
            loop.run()
            #expect(heard.lines == ["created"])
        }
    }

    @Test func `a keepalive that Janus refuses for another reason is no loss`() {
        run {
            take()
            janus.interfere = { _ in .refuse(490, "internal") }
            loop.advance(by: .seconds(5))
            loop.run()
            #expect(heard.lines == ["created"])
        }
    }

    @Test func `a stop is final (D18)`() {
        run {
            take()
            session.stop()
            loop.advance(by: .seconds(30))
            #expect(janus.count("keepalive") == 0)
        }
    }

    @Test func `ended on purpose it is gone from Janus and no longer kept alive`() {
        run {
            take()
            session.destroy(over: gateway) { [heard] in heard.lines.append(words($0)) }
            loop.run()
            #expect(heard.lines == ["created", "done"])
            #expect(janus.sessions.isEmpty)
            loop.advance(by: .seconds(30))
            #expect(janus.count("keepalive") == 0)
        }
    }

    // MARK: Its end

    private func destroy(patience: TimeAmount? = nil) {
        session.destroy(over: gateway, patience: patience) { [heard] in heard.lines.append("destroyed: \(words($0))") }
        loop.run()
    }

    @Test func `it ends when all that telephones were asked for is done`() {
        run {
            take()
            let handle = janus.addHandle(811, opaque: "a telephone")
            janus.handles[handle]?.isPhone = true
            janus.queues = { $0.name == "message register" }
            gateway.request(
                "message", session: session.id, handle: JanusHandleID(rawValue: handle),
                members: { $0.object("body") { $0.member("request", "register") } }, completion: { _ in })
            destroy()
            loop.advance(by: .seconds(5))
            #expect(janus.count("destroy") == 0 && heard.lines == ["created"])
            janus.releaseQueued()
            loop.run()
            #expect(heard.lines == ["created", "destroyed: done"])
            #expect(janus.violations == [] && janus.handles.isEmpty)
        }
    }

    @Test func `nothing is asked where there are no telephones`() {
        run {
            take()
            janus.interfere = { $0.name == "attach" ? .refuse(460, "No such plugin") : .proceed }
            destroy()
            #expect(heard.lines == ["created", "destroyed: done"])
            #expect(janus.count("message which_call") == 0)
        }
    }

    @Test func `a process that must go waits so long and no longer`() {
        run {
            take()
            janus.interfere = { $0.name == "message which_call" ? .drop : .proceed }
            destroy(patience: .seconds(1))
            #expect(heard.lines == ["created"])
            loop.advance(by: .seconds(1))
            loop.run()
            #expect(heard.lines == ["created", "destroyed: done"])
            loop.advance(by: .seconds(10))
            gateway.timerFired(at: loop.now)
            loop.run()
            #expect(janus.count("destroy") == 1)
        }
    }
}
