"""Messages that a client might send: from a grammar of requests, and broken ones. The same for the same seed."""

import json

from harness.offer import candidate

ODD = [None, True, False, 0, -1, 1.5, 10 ** 30, "", "x" * 300, "\0", "😀", [], {}, [None], {"a": []}]
OPTIONS = {
    "configure-room": ["active_participants"], "feed-attach": ["session", "publisher"], "feed-answer": ["session", "sdp"],
    "feed-detach": ["session"], "invite-participants": ["participants"], "trickle": ["session", "candidates"],
    "update": ["audio", "video", "bitrate"],
}
KINDS = {
    "account-add": ["account", "password", "display_name", "user_agent"], "account-remove": ["account"],
    "account-register": ["account"], "account-unregister": ["account"],
    "account-devicetoken": ["account", "old_token", "new_token"],
    "session-create": ["account", "session", "uri", "sdp"], "session-answer": ["session", "sdp"],
    "session-trickle": ["session", "candidates"], "session-terminate": ["session"],
    "videoroom-join": ["account", "session", "uri", "sdp"], "videoroom-terminate": ["session"], "make-coffee": ["milk"],
}


class Grammar:
    """`accounts`, `sessions` and `rooms` are names that mean something, mixed in among others."""

    def __init__(self, chance, accounts, sessions, rooms, offer):
        self._chance = chance
        self._accounts, self._sessions, self._rooms = accounts, sessions, rooms
        self._offer = offer

    def request(self, transaction):
        """A request that has to be answered once, whatever is wrong with it."""
        chance = self._chance
        if chance.random() < 0.5:
            option = chance.choice(list(OPTIONS))
            inner = {name: self._value(name) for name in OPTIONS[option] if chance.random() < 0.9}
            members = {"session": self._value("session"), "option": option, option.replace("-", "_"): inner}
            return {"sylkrtc": "videoroom-ctl", "transaction": transaction, **members}
        kind = chance.choice(list(KINDS))
        members = {name: self._value(name) for name in KINDS[kind] if chance.random() < 0.95}
        return {"sylkrtc": kind, "transaction": transaction, **members}

    def broken(self):
        """Bytes of a text frame that nobody need answer, valid UTF-8."""
        chance = self._chance
        text = json.dumps(self.request("broken"))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(text) + 1)
            text = chance.choice([
                text[:at], text[:at] + chance.choice('{}[]",:\\\0é😀') + text[at:], text[at:] + text[:at],
                text[:at] + text[at + 3:], text[:at] + "[" * 200 + text[at:]]) or "x"
        # What is still an answerable request has a transaction that everybody knows to pass over.
        return text

    def _value(self, name):
        chance = self._chance
        if chance.random() < 0.12:
            return chance.choice(ODD)
        return {
            "account": lambda: chance.choice(self._accounts), "session": lambda: chance.choice(self._sessions),
            "publisher": lambda: chance.choice(self._sessions), "uri": lambda: chance.choice(self._rooms),
            "sdp": lambda: chance.choice([self._offer(), "v=0", ""]), "password": lambda: "p",
            "candidates": lambda: [candidate(number) for number in range(chance.choice([0, 1, 64]))],
            "participants": lambda: [chance.choice(self._accounts)],
            "active_participants": lambda: [chance.choice(self._sessions)], "bitrate": lambda: chance.choice([64000, 1, 10 ** 9]),
            "audio": lambda: chance.random() < 0.5, "video": lambda: chance.random() < 0.5,
        }.get(name, lambda: "text")()
