"""deploy/bench-calls, with small numbers: what it measures works, and it measures it."""

from bench import calls


async def test_R03_R04_R06_R07_R09_many_register_call_are_called_and_go_and_nothing_is_left(folder):
    found = await calls.measure(folder, registrations=20, calls=10)
    assert min(found.registering, found.outgoing, found.incoming, found.unregistering) > 0
    assert len(found.outgoing_each) == 10
