"""A look at the gateway's registry, read only."""

import sqlite3
import time
from contextlib import closing


class Registry:
    def __init__(self, path):
        self.path = path

    def slots(self):
        return self._rows("slot")

    def front_doors(self):
        return self._rows("frontdoor")

    def rooms(self):
        return self._rows("room")

    def sessions(self):
        return self._rows("session")

    def claimed(self, account=None):
        """Accounts on connections of living front doors; those of one account, or all."""
        now = time.clock_gettime(time.CLOCK_BOOTTIME) * 1000
        living = {(row["id"], row["incarnation"]) for row in self.front_doors() if row["registered"] and row["lease"] > now}
        return [row for row in self._rows("claimed_account")
                if account in (None, row["account"]) and (row["frontdoor"], row["incarnation"]) in living]

    @staticmethod
    def tokens(state, account):
        """What is kept of an account's devices, oldest first."""
        path = state / "device_tokens.sqlite"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as database:
            return [token for token, in database.execute(
                "SELECT token FROM device_token WHERE account = ? ORDER BY number", (account,))]

    def slot_of(self, room):
        """`node/number` of the slot that owns the room, or None."""
        return next((row["slot"] for row in self.rooms() if row["uri"] == room), None)

    def _rows(self, table):
        if not self.path.exists():
            return []
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=5)) as database:
            database.row_factory = sqlite3.Row
            try:
                return [dict(row) for row in database.execute(f"SELECT * FROM {table}")]
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    return []  # the first process has not made it yet
                raise
