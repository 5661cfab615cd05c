"""deploy/bench-calls with its own numbers: so many register, call, are called and go, and nothing is left."""

from bench import calls


async def test_R03_R04_R06_R07_R09_many_register_call_are_called_and_go_and_nothing_is_left(folder):
    found = await calls.measure(folder, registrations=200, calls=50)
    assert min(found.registering, found.outgoing, found.incoming, found.unregistering) > 0
    assert len(found.outgoing_each) == 50
