"""What must never stand in a log, at any level: secrets, passwords, bodies of SDP."""

from .participant import PASSWORD

SDP = ("a=ice-pwd", "a=ice-ufrag", "a=fingerprint", "a=rtpmap")


def check_logs(gateway):
    unspeakable = (gateway.janus.api_secret, gateway.janus.admin_secret, PASSWORD, *SDP, *gateway.secrets)
    for process in gateway.processes:
        text = process.log.read_text(errors="replace") if process.log.exists() else ""
        found = [word for word in unspeakable if word in text]
        assert not found, f"{process.log} holds {found}"
