"""What a process tells its operator: health, readiness, metrics."""

import re

import aiohttp

from .waiting import eventually

ENDPOINT = re.compile(r'endpoint"?[=:]"?(127\.0\.0\.1:\d+)')


async def get(process, path):
    """The status and the text of a page of the process's management address."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
        async with http.get(f"http://{address(process)}{path}") as response:
            return response.status, await response.text()


def address(process):
    """Where it said that it listens, in its present life."""
    said = [line for line in process.last_lines(100_000).splitlines() if re.search(r': management endpoint=|"management"', line)]
    return ENDPOINT.search(said[-1])[1]


async def becomes(process, path, status, text, within=20.0):
    """Waits until the page says that."""
    async def found():
        try:
            return await get(process, path) == (status, text)
        except (aiohttp.ClientError, IndexError):
            return False

    await eventually(found, within, f"{path} of {process.name} to be {status} {text!r}")


async def metrics(*processes):
    """{series: value}, all processes' added."""
    total = {}
    for process in processes:
        status, text = await get(process, "/metrics")
        assert status == 200, text
        for line in text.splitlines():
            if not line.startswith("#"):
                series, _, value = line.rpartition(" ")
                total[series] = total.get(series, 0) + float(value)
    return total


def grown(before, after, name):
    """{labels as they stand: by how much} of the series of that name that have grown."""
    return {series[len(name):].strip("{}"): after[series] - before.get(series, 0)
            for series in after if series.partition("{")[0] == name and after[series] != before.get(series, 0)}
