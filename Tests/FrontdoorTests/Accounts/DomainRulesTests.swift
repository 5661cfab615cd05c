import Testing

@testable import Frontdoor

@Suite struct DomainRulesTests {
    @Test(arguments: [
        (["*"], "anything.example", true), (["example.org"], "example.org", true),
        (["Example.ORG"], "example.org", true), (["example.org"], "sub.example.org", false),
        (["example.org"], "example.com", false), (["*.example.org"], "sub.example.org", false),
        (["example.org", "*"], "example.com", true), ([], "example.org", false),
    ])
    func `R01 A domain is listed as it is, or all are`(domains: [String], domain: String, isAdmitted: Bool) {
        #expect(DomainRules(domains).admits(domain) == isAdmitted)
    }
}
