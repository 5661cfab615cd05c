"""Everything one connection asked and was told, with times: what the checker judges. Goes through a pipe as JSON."""

from dataclasses import dataclass, field


@dataclass
class Transcript:
    name: str
    room: str
    door: int
    requests: list  # {transaction, kind, members, at}
    messages: list  # (time, message)
    closing_at: float = None  # when the client began to close
    closed_at: float = None
    close_code: int = None
    media: bool = False  # whether others hear of its sessions
    acts: list = field(default_factory=list)  # what a telephone did with it: {what: dials, hangs up; session; at}

    @classmethod
    def of(cls, client, name, room, door, media):
        requests = [
            {"transaction": transaction, "kind": request.kind, "members": request.members, "at": request.sent_at}
            for transaction, request in client.requests.items()]
        messages = list(zip(client.received_at, client.messages))
        return cls(name, room, door, requests, messages, client.closing_at, client.closed_at, client.close_code, media)

    @property
    def was_cut_off(self):
        """Closed, and not by the client."""
        return self.closed_at is not None and (self.closing_at is None or self.closed_at < self.closing_at)

    @property
    def open(self):
        return self.closed_at is None and self.closing_at is None

    @property
    def sessions(self):
        """Publisher sessions in the order of their joins."""
        return [request["members"]["session"] for request in self.requests if request["kind"] == "videoroom-join"]

    @property
    def calls_made(self):
        """Calls in the order of their requests."""
        return [request["members"]["session"] for request in self.requests if request["kind"] == "session-create"]

    @property
    def calls_taken(self):
        """Calls that came in, in their order; one twice, if it was told twice."""
        return [message["session"] for _, message in self.messages if message.get("event") == "incoming_session"]

    def told_of_call(self, session):
        """What was told of a call, as (time, word, data)."""
        return [(at, word_of(message), message.get("data", {})) for at, message in self.messages
                if message.get("session") == session
                and (message.get("sylkrtc") == "session_event" or message.get("event") == "incoming_session")]

    def told(self, session):
        """Conference events of a publisher session, as (time, word, data); of one without data, as (time, word, message)."""
        return [(at, word_of(message), message.get("data", message)) for at, message in self.messages
                if message.get("sylkrtc") == "videoroom_event" and message.get("session") == session]

    def roster(self, session):
        """Who is there, as the session was told."""
        present = set()
        for _, word, data in self.told(session):
            if word in ("initial_publishers", "publishers_joined"):
                present |= {publisher["id"] for publisher in data["publishers"]}
            elif word == "publishers_left":
                present -= set(data["publishers"])
        return present

    def active(self, session):
        """Who is prominent in its room, as the session was told last."""
        lists = [data["active_participants"] for _, word, data in self.told(session) if word == "configure-room"]
        return lists[-1] if lists else []

    def live(self):
        """The session that is in the room now, or None."""
        for session in reversed(self.sessions):
            words = [word for _, word, _ in self.told(session)]
            if self.open and "accepted" in words and "terminated" not in words:
                return session
        return None

    def lines(self, around=None, about=(), count=14):
        """The lines about these sessions up to a moment, short, for people."""
        asked = {request["transaction"]: _brief(request["members"], request["transaction"]) for request in self.requests}
        lines = [(request["at"], ">", request["kind"], asked[request["transaction"]]) for request in self.requests]
        lines += [(at, "<", word_of(message), _brief(message.get("data", message), message.get("transaction")))
                  for at, message in self.messages]

        def concerned(line):
            # An answer is about what its request is about.
            text = asked.get(line[3].partition(" ")[0], line[3])
            return not about or line[2] == "terminated" or any(word in text for word in about)

        lines = [line for line in sorted(lines) if concerned(line) and (around is None or line[0] <= around + 0.5)]
        return lines[-count:]


@dataclass
class Violation:
    invariant: str
    text: str
    at: float = None
    transcript: Transcript = None
    about: tuple = field(default_factory=tuple)


def word_of(message):
    if message.get("event") == "state":
        return message["data"]["state"]
    return message.get("event") or message.get("sylkrtc")


def _brief(value, transaction=None):
    text = _without_sdp(value)
    return f"{transaction} {text}" if transaction else f"{text}"


def _without_sdp(value):
    if isinstance(value, dict):
        return " ".join(f"{key}={_without_sdp(inner)}" for key, inner in value.items()
                        if key not in ("sdp", "sylkrtc", "transaction", "candidates", "password"))
    if isinstance(value, list):
        return "[" + ", ".join(str(_without_sdp(inner)) for inner in value) + "]"
    return str(value)
