import Testing

@testable import Frontdoor

@Suite struct PageFilesTests {
    @Test func `The page is there with everything it names`() throws {
        let files = try PageFiles()
        let page = try #require(files.file(""))
        #expect(page.type == "text/html; charset=utf-8")
        let text = String(decoding: page.content, as: UTF8.self)
        for match in text.matches(of: /(?:src|href)="([^":#]+)"/) {
            #expect(files.file(match.output.1) != nil, "\(match.output.1)")
        }
    }

    @Test func `Every file has the type of its name`() throws {
        let files = try PageFiles()
        #expect(files.file("index.html")?.type == "text/html; charset=utf-8")
        #expect(files.file("style.css")?.type == "text/css; charset=utf-8")
        #expect(files.file("app.js")?.type == "text/javascript; charset=utf-8")
        #expect(files.file("icon.svg")?.type == "image/svg+xml")
    }

    @Test(arguments: ["..", ".", "/", "nothing.html", "INDEX.HTML", "../Page/index.html", "Page", "index.html/", "%"])
    func `What is not in the page does not exist`(name: String) throws {
        #expect(try PageFiles().file(name) == nil)
    }
}
