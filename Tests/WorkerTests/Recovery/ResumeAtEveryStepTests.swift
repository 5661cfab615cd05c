import Testing

@testable import Worker

/// Whatever a worker is doing when it is struck, the client sees what it would have seen anyway.
@Suite struct ResumeAtEveryStepTests {
    @Test(arguments: Scenario.all)
    func `a worker killed at any step leaves it to its successor, and no client notices`(scenario: Scenario) throws {
        let expected = try scenario.run(nil)
        #expect(expected.moments.count >= 2)
        for moment in expected.moments {
            let outcome = try scenario.run(moment)
            #expect(outcome.bitrates == expected.bitrates, "\(scenario.testDescription): \(outcome.names)")
            #expect(outcome.lines == expected.lines, "\(scenario.testDescription): \(moment) of \(expected.names)")
        }
    }

    @Test(arguments: Scenario.all)
    func `a connection to Janus that breaks at any step is mended, and no client notices`(scenario: Scenario) throws {
        let expected = try scenario.run(nil)
        for moment in expected.moments where moment.deed == .request || moment.side == .after {
            let outcome = try scenario.run(moment, .janusLinkBreaks)
            #expect(outcome.bitrates == expected.bitrates, "\(scenario.testDescription): \(outcome.names)")
            #expect(outcome.lines == expected.lines, "\(scenario.testDescription): \(moment) of \(expected.names)")
        }
    }

    @Test(arguments: Scenario.all)
    func `a front door's link that breaks at any step is mended, and no client notices`(scenario: Scenario) throws {
        let expected = try scenario.run(nil)
        for moment in expected.moments where moment.deed == .request || moment.side == .after {
            let outcome = try scenario.run(moment, .frontdoorLinkBreaks)
            #expect(outcome.bitrates == expected.bitrates, "\(scenario.testDescription): \(outcome.names)")
            #expect(outcome.lines == expected.lines, "\(scenario.testDescription): \(moment) of \(expected.names)")
        }
    }

    @Test(arguments: Scenario.all)
    func `so it is when the successor is killed, too, at any step of its own`(scenario: Scenario) throws {
        let expected = try scenario.run(nil)
        // Every other moment of the first, every third of the second: what they meet differs little.
        for (index, first) in expected.moments.enumerated() where index % 2 == 1 {
            let seconds = try scenario.run(first).second
            for (index, second) in seconds.enumerated() where index % 3 == 0 {
                let outcome = try scenario.run(first, then: second)
                #expect(outcome.bitrates == expected.bitrates, "\(scenario.testDescription): \(outcome.names)")
                #expect(outcome.lines == expected.lines, "\(scenario.testDescription): \(first), then \(second)")
            }
        }
    }
}
