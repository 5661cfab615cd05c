"""Traces as a process writes them."""

import json
import re
from dataclasses import dataclass

HEADER = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?P<number>\d+) (?P<direction>INCOMING|OUTGOING) "
    r"(?P<peer>(?:client|janus) at .*) process (?P<process>\d+)")
REDACTED = "[redacted]"
SECRET = {"password", "sdp", "apisecret", "new_token", "old_token"}


@dataclass(frozen=True)
class Record:
    number: int
    direction: str
    peer: str
    process: int
    message: dict


def records(path):
    """Every record is a header, one message and an empty line: anything else is an error."""
    text = path.read_text()
    assert text.endswith("\n\n")
    found = []
    for record in text[:-2].split("\n\n"):
        header, message = record.split("\n", 1)
        match = HEADER.fullmatch(header)
        assert match, header
        found.append(Record(
            int(match["number"]), match["direction"], match["peer"], int(match["process"]), json.loads(message)))
    return found


def redacted(value):
    """A message as it stands in a trace."""
    if isinstance(value, dict):
        return {key: REDACTED if key in SECRET else redacted(inner) for key, inner in value.items()}
    return [redacted(inner) for inner in value] if isinstance(value, list) else value
