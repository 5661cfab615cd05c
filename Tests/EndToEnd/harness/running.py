"""A gateway for the time of some tests."""

from contextlib import asynccontextmanager

from .secrecy import check_logs

running_now = []  # for the last words of processes when a test fails


@asynccontextmanager
async def running(gateway):
    """Starts it, lends it, stops it and looks at how it ended and what it logged."""
    running_now.append(gateway)
    try:
        await gateway.start()
        yield gateway
    finally:
        try:
            await gateway.stop()
            check_logs(gateway)
        finally:
            running_now.remove(gateway)
