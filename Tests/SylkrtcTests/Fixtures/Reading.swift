import Identity
import JSONText
import Sylkrtc
import Testing

/// What sylkRTC-1 makes of a text.
func decoded(_ text: String) -> DecodedMessage { Dialect.sylkRTC1.decode(Array(text.utf8)) }

/// The request in a text that must be a good one.
func request(_ text: String) throws -> Request {
    let message = decoded(text)
    guard case .request(_, let request) = message else {
        Issue.record("\(message)")
        throw ProtocolError("not a request")
    }
    return request
}

/// The error that answers a text; nil when it is not refused.
func refusal(_ text: String) -> String? {
    guard case .refused(_, _, let error) = decoded(text) else { return nil }
    return error.description
}

/// The members of a request of `type`, transaction included.
func envelope(_ type: String, _ members: String) -> String {
    #"{"sylkrtc":"\#(type)","transaction":"t"\#(members.isEmpty ? "" : ",")\#(members)}"#
}

/// A `videoroom-ctl` with these members beside session and option.
func control(_ option: String, _ members: String) -> String {
    envelope("videoroom-ctl", #""session":"pub-a","option":"\#(option)"\#(members.isEmpty ? "" : ",")\#(members)"#)
}

func address(_ text: String) throws -> SentAddress { try #require(SentAddress(text)) }

func account(_ text: String) throws -> AddressOfRecord { try #require(AddressOfRecord(text)) }

func client(_ text: String) throws -> ClientSessionID { try #require(ClientSessionID(text)) }

func sdp(_ text: String) -> SessionDescription { SessionDescription(RawJSON(string: text)) }

func sequence(_ number: UInt64) -> RequestSequence { RequestSequence(rawValue: number) }
