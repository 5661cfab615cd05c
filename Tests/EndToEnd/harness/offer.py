"""An offer as a browser makes it, with nobody behind it.

Janus answers it and waits for media that never comes. The one candidate is a TCP one: with it ICE goes on waiting, while
without any, or with a UDP one that is silent, it gives up after about 24 seconds.
"""

import secrets

FINGERPRINT = ":".join(["49", "8B", "31", "63", "30", "3E", "6E", "B1", "34", "7C", "11", "25", "0C", "7A", "1F", "D0",
                        "2B", "56", "B4", "16", "C4", "21", "9F", "39", "6B", "89", "90", "B6", "48", "12", "CF", "AE"])


def call_offer():
    """Of a call: sound both ways, in what telephones take, too."""
    lines = [
        "v=0", f"o=- {secrets.randbits(31)} 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8", "a=mid:0", *_transport("sendrecv"), "a=rtpmap:111 opus/48000/2",
        "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000",
    ]
    return "\r\n".join(lines) + "\r\n"


def offer(direction="sendonly"):
    transport = _transport(direction)
    lines = [
        "v=0", f"o=- {secrets.randbits(31)} 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0", *transport, "a=rtpmap:111 opus/48000/2",
        "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1", *transport, "a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack pli",
    ]
    return "\r\n".join(lines) + "\r\n"


def _transport(direction):
    return [
        "c=IN IP4 0.0.0.0",
        f"a={direction}",
        "a=rtcp-mux",
        f"a=ice-ufrag:{secrets.token_hex(2)}",
        f"a=ice-pwd:{secrets.token_hex(12)}",
        f"a=fingerprint:sha-256 {FINGERPRINT}",
        "a=setup:actpass",
        "a=candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active",
    ]


def candidate(number=1):
    """One candidate, as clients trickle it."""
    return {
        "candidate": f"candidate:{number} 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active",
        "sdpMLineIndex": 0, "sdpMid": "0",
    }


def answer(offered, direction="recvonly"):
    """An answer to Janus's offer of a feed or a call, likewise without anybody behind it."""
    transport = [
        f"a={direction}", "a=rtcp-mux", "a=setup:active", f"a=ice-ufrag:{secrets.token_hex(2)}",
        f"a=ice-pwd:{secrets.token_hex(12)}", f"a=fingerprint:sha-256 {FINGERPRINT}",
        "a=candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active",
    ]
    lines = ["v=0", f"o=- {secrets.randbits(31)} 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    for line in offered.splitlines():
        if line.startswith("m="):
            lines += [line, "c=IN IP4 0.0.0.0", *transport]
        elif line.startswith(("a=group:", "a=mid:", "a=rtpmap:", "a=fmtp:")):
            lines.append(line)
    return "\r\n".join(lines) + "\r\n"
