import Foundation
import Testing

@testable import Worker

@Suite struct SlotLockTests {
    private let directory = TemporaryDirectory()

    private func take(_ number: Int = 1) throws -> SlotLock? { try SlotLock.take(number, in: directory.path) }
    private func path(_ number: Int = 1) -> String { "\(directory.path)/slot-\(number).lock" }

    @Test func `a slot is had once, until its holder lets go`() throws {
        var first = try take()
        #expect(first?.number == 1)
        #expect(try take() == nil)
        #expect(first?.isOwn == true)
        first = nil
        #expect(try take() != nil)
    }

    @Test func `slots are had independently`() throws {
        let one = try take(1)
        let two = try take(2)
        #expect(one != nil)
        #expect(two != nil)
        withExtendedLifetime((one, two)) {}
    }

    @Test func `the directory and the file are for their owner only`() throws {
        let nested = "\(directory.path)/bus"
        let lock = try SlotLock.take(3, in: nested)
        #expect(lock != nil)
        let modes = try [nested, "\(nested)/slot-3.lock"].map {
            try FileManager.default.attributesOfItem(atPath: $0)[.posixPermissions] as? Int
        }
        #expect(modes == [0o700, 0o600])
        withExtendedLifetime(lock) {}
    }

    @Test func `another process that has the slot keeps it`() throws {
        let holder = Process()
        holder.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        holder.arguments = ["flock", "--exclusive", path(), "sh", "-c", "echo taken; read line"]
        let (input, output) = (Pipe(), Pipe())
        holder.standardInput = input
        holder.standardOutput = output
        try holder.run()
        #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "taken\n")
        #expect(try take() == nil)
        // The kernel frees the lock when its holder dies, however it dies.
        try input.fileHandleForWriting.close()
        holder.waitUntilExit()
        #expect(try take() != nil)
    }

    @Test func `a replaced file is no longer ours, and another can have the new one`() throws {
        let lock = try #require(try take())
        try FileManager.default.removeItem(atPath: path())
        #expect(!lock.isOwn)
        let second = try #require(try take())
        #expect(second.isOwn)
        #expect(!lock.isOwn)
    }

    @Test func `a file moved in place of ours is not ours`() throws {
        let lock = try #require(try take())
        let other = try directory.file("other", "")
        #expect(rename(other, path()) == 0)
        #expect(!lock.isOwn)
    }

    @Test func `a slot survives the loss of its file's name for its own purposes only`() throws {
        let lock = try #require(try take())
        #expect(rename(path(), path(9)) == 0)
        #expect(!lock.isOwn)
        #expect(try take(9) == nil, "the lock is on the file, wherever it went")
        #expect(rename(path(9), path()) == 0)
        #expect(lock.isOwn)
    }

    @Test func `what waiting cannot mend is an error that names the file`() throws {
        let file = try directory.file("plain", "")
        for directory in [file, "\(directory.path)/no/such", "/proc"] {
            do throws(SlotLock.Failure) {
                _ = try SlotLock.take(1, in: directory)
                Issue.record("\(directory) was usable")
            } catch {
                #expect(error.description.contains(directory))
            }
        }
    }
}
