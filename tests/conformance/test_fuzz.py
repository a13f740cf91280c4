"""Fuzzing at the edge: mutated frames of every action at a real socket, with the real services behind it.

`make test` sends the same frames each time; `make fuzz` others, and many more (profile "fuzz" of conftest.py).
"""

import gc
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
import structlog.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.catalogue import DIRECTIONS
from tests.conformance.commands import Maker
from tests.conformance.edge import Edge, boot, examples
from tests.conformance.fuzzing import Prober, answers, bystander_is_served, bytes_of, frames
from tests.conformance.ocpp_table import VERSIONS, chooser
from tests.gateway.raw_station import RawStation
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = settings.get_current_profile_name() == "fuzz"


def _fuzz(count: int) -> settings:
    """The settings of a test, `count` examples of it in `make test`."""
    some = settings() if LONG else settings(max_examples=count, derandomize=True, database=None)
    return settings(some, deadline=None, suppress_health_check=list(HealthCheck))


EVERY = 50  # frames after which the bystander is looked at
# Nobody takes the events of the rig; unreadable messages about transactions go into quarantine.
HARMLESS = {
    ("events wait in the outbox", None),
    ("placements wait to be published", None),
    ("changes of callers cannot be followed", None),  # all services share one loop here, which a burst keeps busy
    ("item refused", "transaction_events"),
    ("item refused", "meter_values"),
    ("job failed", None),  # of a charging profile that a station of nonsense refused
}


@pytest.fixture(scope="module", autouse=True)
def logs() -> Iterator[list[Any]]:
    """Everything that gateway and services log; at the end nothing of it may be a failure."""
    with structlog.testing.capture_logs() as entries:
        yield entries
    failures = [
        entry
        for entry in entries
        if entry["log_level"] not in ("debug", "info") and (entry["event"], entry.get("lane")) not in HARMLESS
    ]
    assert failures == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bystander(edge: Edge) -> AsyncIterator[RawStation]:
    """A station that charges on one socket all the while."""
    async with edge.station(VERSIONS["v16"]) as station:
        await boot(station, VERSIONS["v16"])
        yield station
        await bystander_is_served(station, 0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def probers(edge: Edge) -> AsyncIterator[Mapping[str, Prober]]:
    """One station per version that misbehaves. At the end nothing of what it sent waits in the gateway."""
    found = {folder: Prober(edge, version) for folder, version in VERSIONS.items()}
    yield found
    for prober in found.values():
        await prober.connected()
        [session] = [one for one in edge.mesh.gateway.registry if one.connection.station_id == prober.station_id]
        assert session._inbound_queue.is_idle
        assert session.outgoing._waiting == 0
        await prober.close()


@pytest.mark.parametrize("folder", VERSIONS)
@_fuzz(500)
@given(data=st.data())
async def test_calls(probers: Mapping[str, Prober], bystander: RawStation, folder: str, data: st.DataObject) -> None:
    """A frame of any action with anything in it changed is answered once, as OCPP-J has it, or closes the socket."""
    prober = probers[folder]
    await prober.probe(data.draw(frames(VERSIONS[folder].label)))
    if prober.frames % EVERY == 0:
        await bystander_is_served(bystander, prober.frames)


@pytest.mark.parametrize("folder", VERSIONS)
@_fuzz(150)
@given(data=st.data())
async def test_answers(probers: Mapping[str, Prober], bystander: RawStation, folder: str, data: st.DataObject) -> None:
    """The command ends for any answer of the station, and its record has the answer."""
    prober, label = probers[folder], VERSIONS[folder].label
    action = data.draw(st.sampled_from(sorted(DIRECTIONS[label].to_station)))
    request = examples(label, action, "request")[0]
    order = partial(prober.edge.mesh.send_call, prober.station_id, action, request)
    await prober.probe_answer(order, data.draw(answers(label, action)))
    if prober.frames % EVERY == 0:
        await bystander_is_served(bystander, prober.frames)


@pytest.mark.parametrize("folder", VERSIONS)
@_fuzz(150)
@given(data=st.data())
async def test_answers_to_commands(
    probers: Mapping[str, Prober], bystander: RawStation, folder: str, data: st.DataObject
) -> None:
    """The same of the commands that are understood: what is read out of the answer, and what it changes."""
    prober, version = probers[folder], VERSIONS[folder]
    name = data.draw(st.sampled_from(sorted(version.outbound)))
    choose = chooser(version, name)
    command = Maker(name, choose).minimal()
    order = partial(prober.edge.command, prober.station_id, name, command)
    await prober.probe_answer(order, data.draw(answers(version.label, choose(command).action)))
    if prober.frames % EVERY == 0:
        await bystander_is_served(bystander, prober.frames)


async def test_nothing_grows(edge: Edge, bystander: RawStation) -> None:
    """The same thousand frames again and again leave no objects behind, once what is on its way has arrived."""
    prober = Prober(edge, VERSIONS["v16"])
    counts: list[int] = []

    def count() -> int:
        gc.collect()
        return len(gc.get_objects())

    for _ in range(20 if LONG else 4):
        for frame in bytes_of("1.6", random.Random(16), 500):  # noqa: S311 - the same frames each time
            await prober.probe(frame)
        await bystander_is_served(bystander, prober.frames)
        counts.append(count())
    await prober.close()
    await until(lambda: count() - counts[1] < 500)
