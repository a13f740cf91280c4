"""Commands to a station whose boot waits for its answer: services know of the boot before the station has that."""

import asyncio

import pytest

from gateway.batching.sinks import IngestUnavailableError
from gateway.ocpp.translation import IngestRpc
from mesh.runtime.errors import MeshError
from tests.gateway.session_rig import BOOT, session_rig
from tests.waiting import until


async def test_a_command_is_not_sent_before_the_boot_is_answered() -> None:
    """A station may refuse CALLs until then (1.6, 4.2; 2.0.1, B01)."""
    async with session_rig() as rig:
        boots = rig.services[IngestRpc.BOOTS]
        answer, boots.result = boots.result, None
        rig.wire.put(BOOT)
        command = asyncio.ensure_future(rig.session.call("ClearCache", {}, timeout_s=60))
        await until(lambda: boots.waiting)
        for _ in range(20):
            await asyncio.sleep(0)
        assert rig.wire.sent == []
        boots.waiting[0].set_result(answer)
        booted, call = await rig.answers(2)
        assert (booted[:2], call[0], call[2]) == ([3, "b"], 2, "ClearCache")
        rig.wire.put(f'[3, "{call[1]}", {{"status": "Accepted"}}]')
        assert (await command).payload == {"status": "Accepted"}


async def test_a_command_that_waited_for_a_boot_was_not_sent_where_the_connection_ends() -> None:
    """A boot that cannot be answered ends it."""
    async with session_rig() as rig:
        rig.services[IngestRpc.BOOTS].result = IngestUnavailableError("no answer")
        rig.wire.put(BOOT)
        command = asyncio.ensure_future(rig.session.call("ClearCache", {}, timeout_s=60))
        await until(lambda: rig.wire.closed_with is not None)
        rig.session.closed()
        with pytest.raises(MeshError) as error:
            await command
        assert error.value.reason == "STATION_OFFLINE"
