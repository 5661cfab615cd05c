import JSONText
import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct AccountBookTests {
    private func add(_ members: String) throws -> AccountAdd {
        let text = #"{"sylkrtc":"account-add","transaction":"1","password":"ha1",\#(members)}"#
        guard case .request(_, .accountAdd(let add)) = Dialect.sylkRTC1.decode(Array(text.utf8)) else {
            throw ProtocolError("not an account-add")
        }
        return add
    }

    @Test func `R01 An account is kept as it was added`() throws {
        var book = AccountBook(domains: DomainRules(["*"]), trustsClaims: false)
        #expect(book.account(account(alice)) == nil)
        let problem = book.add(
            try add(#""account":"sip:alice@Example.org","display_name":"Alice","user_agent":"Tests""#), request(7))
        #expect(problem == nil)
        #expect(
            book.account(account(alice))
                == AccountBook.Account(
                    name: sent("sip:alice@Example.org"), password: "ha1", displayName: "Alice", userAgent: "Tests",
                    addition: request(7)))
    }

    @Test func `D22 B35 An account is verified while it is registered`() throws {
        var book = AccountBook(domains: DomainRules(["*"]), trustsClaims: false)
        let (alice, bob) = (account(FrontdoorTests.alice), account(FrontdoorTests.bob))
        var problem = book.add(try add(#""account":"alice@example.org""#), request(1))
        let changes = [book.verify(alice), book.verify(alice), book.verify(bob)]
        #expect(problem == nil && changes == [true, false, false])
        #expect(book.isVerified(alice) && book.claimed == [alice])
        let ends = [book.unverify(alice), book.unverify(alice)]
        #expect(ends == [true, false] && !book.isVerified(alice) && book.claimed == [])
        _ = book.verify(alice)
        book.remove(alice)
        problem = book.add(try add(#""account":"alice@example.org""#), request(2))
        #expect(problem == nil && !book.isVerified(alice), "another account")
    }

    @Test func `D22 B35 An account that is not registered is verified only where claims are trusted`() throws {
        for trusts in [true, false] {
            var book = AccountBook(domains: DomainRules(["*"]), trustsClaims: trusts)
            #expect(!book.isVerified(account(alice)))
            let problem = book.add(try add(#""account":"alice@example.org""#), request(1))
            #expect(problem == nil && book.isVerified(account(alice)) == trusts)
            #expect(book.claimed == (trusts ? [account(alice)] : []))
            book.remove(account(alice))
            #expect(!book.isVerified(account(alice)) && book.claimed == [])
        }
    }

    @Test func `R02 Only the account that is removed goes`() throws {
        var book = AccountBook(domains: DomainRules(["*"]), trustsClaims: false)
        _ = book.add(try add(#""account":"alice@example.org""#), request(1))
        book.remove(account(bob))
        #expect(book.account(account(alice)) != nil)
        book.remove(account(alice))
        #expect(book.account(account(alice)) == nil)
    }
}
