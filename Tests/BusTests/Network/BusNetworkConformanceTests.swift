import Bus
import NIOCore
import Testing

/// What everybody relies on, whichever network it is.
struct BusNetworkConformanceTests {
    @Test(arguments: NetworkKind.allCases) func `a connection begins with a probe`(kind: NetworkKind) async throws {
        try await Bench.with(kind) { bench in
            let router = try await TestRouter(bench.network, bench.endpoint(), on: bench.loops[0])
            let id = try link(1)
            let dealer = try await TestDealer(bench.network, bench.endpoint(), as: id, on: bench.loops[1])
            #expect(try await router.inbox.next() == .probe(id))
            #expect(try await router.send("hello", to: id) == .sent)
            #expect(try await dealer.inbox.next() == "hello")
            #expect(try await dealer.send("list") == .sent)
            #expect(try await router.inbox.next() == .message(id, "list"))
        }
    }

    @Test(arguments: NetworkKind.allCases) func `a dealer may come first`(kind: NetworkKind) async throws {
        try await Bench.with(kind) { bench in
            let id = try link(1)
            let dealer = try await TestDealer(bench.network, bench.endpoint(), as: id, on: bench.loops[1])
            #expect(try await dealer.send("lost") == .full, "nothing is queued for a worker that is not there")
            let router = try await TestRouter(bench.network, bench.endpoint(), on: bench.loops[0])
            #expect(try await router.inbox.next() == .probe(id))
            try await dealer.send("kept", until: .sent)
            #expect(try await router.inbox.next() == .message(id, "kept"))
        }
    }

    @Test(arguments: NetworkKind.allCases)
    func `a successor is probed and gets nothing of its predecessor`(kind: NetworkKind) async throws {
        try await Bench.with(kind) { bench in
            let id = try link(1)
            let first = try await TestRouter(bench.network, bench.endpoint(), on: bench.loops[0])
            let dealer = try await TestDealer(bench.network, bench.endpoint(), as: id, on: bench.loops[1])
            #expect(try await first.inbox.next() == .probe(id))
            for round in 0..<5 {
                if round == 0 { try await first.close() }
                try await dealer.send("old", until: .full)
                let router = try await TestRouter(bench.network, bench.endpoint(), on: bench.loops[0])
                #expect(try await router.inbox.next() == .probe(id))
                #expect(try await router.send("hello \(round)", to: id) == .sent)
                #expect(try await dealer.inbox.next() == "hello \(round)")
                #expect(try await dealer.send("new \(round)") == .sent)
                #expect(try await router.inbox.next() == .message(id, "new \(round)"))
                try await router.close()
            }
        }
    }

    @Test(arguments: NetworkKind.allCases)
    func `a successor may take the endpoint before its predecessor lets go`(kind: NetworkKind) async throws {
        try await Bench.with(kind) { bench in
            let (old, new) = (try link(1), try link(2))
            let first = try await TestRouter(bench.network, bench.endpoint(), on: bench.loops[0])
            let dealer = try await TestDealer(bench.network, bench.endpoint(), as: old, on: bench.loops[1])
            #expect(try await first.inbox.next() == .probe(old))
            let second = try await TestRouter(bench.network, bench.endpoint(), on: bench.loops[0])
            let other = try await TestDealer(bench.network, bench.endpoint(), as: new, on: bench.loops[1])
            #expect(try await second.inbox.next() == .probe(new))
            #expect(try await dealer.send("still there") == .sent)
            #expect(try await first.inbox.next() == .message(old, "still there"))
            try await first.close()
            #expect(try await second.inbox.next() == .probe(old))
            #expect(try await other.send("on") == .sent)
            #expect(try await second.inbox.next() == .message(new, "on"))
        }
    }

    @Test(arguments: NetworkKind.allCases) func `nobody is reached who is not connected`(kind: NetworkKind) async throws
    {
        try await Bench.with(kind) { bench in
            let router = try await TestRouter(bench.network, bench.endpoint(), on: bench.loops[0])
            #expect(try await router.send("lost", to: link(1)) == .unreachable)
            let dealer = try await TestDealer(bench.network, bench.endpoint(), as: try link(1), on: bench.loops[1])
            #expect(try await router.inbox.next() == .probe(link(1)))
            #expect(try await router.send("lost", to: link(2)) == .unreachable)
            try await dealer.close()
            let deadline = NIODeadline.now() + .seconds(600)
            while try await router.send("late", to: link(1)) != .unreachable, NIODeadline.now() < deadline {}
            #expect(NIODeadline.now() < deadline)
        }
    }

    @Test(arguments: NetworkKind.allCases) func `a second dealer of one id reaches nobody`(kind: NetworkKind)
        async throws
    {
        try await Bench.with(kind, loops: 3) { bench in
            let id = try link(1)
            let router = try await TestRouter(bench.network, bench.endpoint(), on: bench.loops[0])
            let first = try await TestDealer(bench.network, bench.endpoint(), as: id, on: bench.loops[1])
            #expect(try await router.inbox.next() == .probe(id))
            let second = try await TestDealer(bench.network, bench.endpoint(), as: id, on: bench.loops[2])
            try await second.send("double", until: .sent)
            for number in 0..<10 {
                #expect(try await router.send("to \(number)", to: id) == .sent)
                #expect(try await first.inbox.next() == "to \(number)")
                #expect(try await first.send("from \(number)") == .sent)
                #expect(try await router.inbox.next() == .message(id, "from \(number)"))
                #expect(try await second.send("double") == .sent)
            }
            #expect(second.inbox.isEmpty)
        }
    }

    @Test(arguments: NetworkKind.allCases) func `the largest message passes, a larger one is refused`(kind: NetworkKind)
        async throws
    {
        try await Bench.with(kind) { bench in
            let id = try link(1)
            let router = try await TestRouter(bench.network, bench.endpoint(), on: bench.loops[0])
            let dealer = try await TestDealer(bench.network, bench.endpoint(), as: id, on: bench.loops[1])
            #expect(try await router.inbox.next() == .probe(id))
            let longest = String(repeating: "x", count: BusLimits.maximumMessage)
            #expect(try await dealer.send(longest + "x") == .tooLong)
            #expect(try await router.send(longest + "x", to: id) == .tooLong)
            #expect(try await dealer.send(longest) == .sent)
            #expect(try await router.inbox.next() == .message(id, longest))
            #expect(try await router.send(longest, to: id) == .sent)
            #expect(try await dealer.inbox.next() == longest)
        }
    }

    @Test(arguments: NetworkKind.allCases) func `a closed socket is quiet`(kind: NetworkKind) async throws {
        try await Bench.with(kind) { bench in
            let id = try link(1)
            let router = try await TestRouter(bench.network, bench.endpoint(), on: bench.loops[0])
            let dealer = try await TestDealer(bench.network, bench.endpoint(), as: id, on: bench.loops[1])
            #expect(try await router.inbox.next() == .probe(id))
            for number in 0..<100 { #expect(try await router.send("\(number)", to: id) == .sent) }
            try await dealer.close()
            try await dealer.close()
            #expect(try await dealer.send("late") == .unreachable)
            try await router.close()
            try await router.close()
            #expect(try await router.send("late", to: id) == .unreachable)
            try await bench.loops[0].submit { router.socket.value.flush() }.get()
            try await bench.loops[1].submit { dealer.socket.value.flush() }.get()
        }
    }

    @Test(arguments: NetworkKind.allCases) func `a socket may be closed from its own callback`(kind: NetworkKind)
        async throws
    {
        try await Bench.with(kind) { bench in
            let id = try link(1)
            let closed = Inbox<String>()
            let (network, endpoint, loop) = (bench.network, bench.endpoint(), bench.loops[1])
            let router = try await TestRouter(network, endpoint, on: bench.loops[0])
            try await loop.submit {
                var socket: (any DealerSocket)?
                socket = try network.connect(endpoint, as: id, on: loop) { message in
                    closed.put(String(buffer: message))
                    socket?.close()
                    socket = nil
                }
            }.get()
            #expect(try await router.inbox.next() == .probe(id))
            _ = try await bench.loops[0].submit {
                for number in 0..<10 { _ = router.socket.value.send(ByteBuffer(string: "\(number)"), to: id) }
            }.get()
            #expect(try await closed.next() == "0")
            let deadline = NIODeadline.now() + .seconds(600)
            while try await router.send("late", to: id) != .unreachable, NIODeadline.now() < deadline {}
            #expect(closed.isEmpty)
        }
    }

    @Test(arguments: NetworkKind.allCases) func `what waits has a bound`(kind: NetworkKind) async throws {
        try await Bench.with(kind) { bench in
            let id = try link(1)
            let router = try await TestRouter(bench.network, bench.endpoint(), on: bench.loops[0])
            let dealer = try await TestDealer(bench.network, bench.endpoint(), as: id, on: bench.loops[1])
            #expect(try await router.inbox.next() == .probe(id))
            // While the router's loop is busy nothing is taken; what fits into the kernel is far less than this.
            let (busy, free) = (Inbox<Void>(), BusyFlag())
            bench.loops[0].execute {
                busy.put(())
                free.wait()
            }
            try await busy.next()
            let sent = try await bench.loops[1].submit {
                let message = ByteBuffer(repeating: 0x78, count: 1_000)
                for number in 0..<50_000 where dealer.socket.value.send(message) != .sent { return number }
                return 50_000
            }.get()
            free.set()
            #expect(sent > Int(BusLimits.sendHighWaterMark) / 2)
            #expect(sent < 50_000)
            try await dealer.send("again", until: .sent)
            let text = String(repeating: "x", count: 1_000)
            for _ in 0..<sent { #expect(try await router.inbox.next() == .message(id, text)) }
            #expect(try await router.inbox.next() == .message(id, "again"))
        }
    }
}
