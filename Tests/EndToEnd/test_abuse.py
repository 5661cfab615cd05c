"""Everybody hostile at once beside a conference with media, and many who do nothing; deploy/abuse-test and deploy/hold-test take longer."""

import shutil

import pytest

from abuse.hold import hold
from abuse.run import lines, run


@pytest.fixture
def place(run_folder, request):
    folder = run_folder / request.node.name[5:20]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


async def test_abuse_is_not_felt_by_a_conference_and_leaves_nothing(place):
    outcome = await run(place, seconds=8)
    print("\n".join(lines(outcome)))
    if outcome.problems:
        pytest.fail("\n".join(lines(outcome)), pytrace=False)


async def test_idle_connections_and_rooms_are_held_without_an_error(place):
    print("\n".join(await hold(place, seconds=8, idle=300)))
