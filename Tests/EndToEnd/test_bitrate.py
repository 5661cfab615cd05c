"""The share of the room's bitrate that Janus is told to allow each publisher."""

from harness.waiting import until_empty

WHOLE = 2016000


async def crowd(visitors, size):
    room = visitors.new_room()
    return [
        await (await visitors.participant(f"Guest {number}", room, door=number % 2)).join() for number in range(size)]


async def applied(gateway, people, bitrate):
    """Waits until Janus applies that bitrate to each of them."""
    async def others():
        applied = {person.name: (await gateway.janus.inspector.publisher(person.name)).plugin["bitrate"] for person in people}
        return {name: other for name, other in applied.items() if other != bitrate}

    await until_empty(others, 10, f"bitrates other than {bitrate}")


async def test_B22_two_people_have_the_whole_bitrate_each(visitors, gateway):
    people = await crowd(visitors, 2)
    await applied(gateway, people, WHOLE)


async def test_B22_a_third_halves_the_bitrate_and_its_leaving_restores_it(visitors, gateway):
    people = await crowd(visitors, 3)
    await applied(gateway, people, WHOLE // 2)
    await people.pop().terminate()
    await applied(gateway, people, WHOLE)


async def test_B08_B22_a_third_that_disconnects_restores_the_bitrate(visitors, gateway):
    people = await crowd(visitors, 3)
    await applied(gateway, people, WHOLE // 2)
    await people.pop().close()
    await applied(gateway, people, WHOLE)


async def test_R17_B22_an_own_cap_holds_below_the_share_only(visitors, gateway):
    first, second, third = await crowd(visitors, 3)
    await first.controlled("update", {"bitrate": 900000})
    await applied(gateway, [first], 900000)
    await applied(gateway, [second, third], WHOLE // 2)
    fourth = await (await visitors.participant("Guest 3", first.room)).join()
    await applied(gateway, [first, second, third, fourth], WHOLE // 3)
    await fourth.terminate()
    await applied(gateway, [first], 900000)
    await applied(gateway, [second, third], WHOLE // 2)


async def test_R17_B22_a_cap_above_the_share_changes_nothing(visitors, gateway):
    people = await crowd(visitors, 3)
    await people[0].controlled("update", {"bitrate": 4000000})
    await applied(gateway, people, WHOLE // 2)
