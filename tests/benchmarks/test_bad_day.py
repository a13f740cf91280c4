"""The bad day, small, on a mesh of real processes on SQLite; and its verdicts."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.bad_day import LIVE_MOST_S, LIVE_P99_S, measure, shortfalls
from benchmarks.errors import BenchmarkError
from benchmarks.servers import Database, mesh
from benchmarks.workloads import Ledger
from benchmarks.workloads_offline import offline_station
from tests.benchmarks.test_workloads import play

SQLITE = Database(name="SQLite", url=None, root=None)


async def test_a_small_bad_day(tmp_path: Path) -> None:
    """All stations come back, with each transaction that they kept, beside sessions that go on."""
    async with mesh(SQLITE, tmp_path, tls=True) as running:
        found = await measure(running, stations=20, live=4, rate=20.0, quiet_s=0.5)
    assert (found.stations, found.transactions) == (20, 40)
    assert found.admitted["p50"] <= found.accepted["p50"] <= found.done["p50"] <= found.done["all"]
    assert found.storm.messages > 0
    late = replace(found, storm=replace(found.storm, p99_s=LIVE_P99_S + 1, most_s=LIVE_MOST_S + 1))
    assert len(shortfalls(late)) == 2


async def test_a_mesh_without_tls_has_no_bad_day(tmp_path: Path) -> None:
    async with mesh(SQLITE, tmp_path) as running:
        with pytest.raises(BenchmarkError, match="needs a mesh with TLS"):
            await measure(running, stations=1, live=1, rate=1.0)


@pytest.mark.parametrize("station_id", ["S1", "S2"])
def test_what_a_station_kept_is_hours_old_and_said_to_be(station_id: str) -> None:
    """Boot and statuses are of the present; then its transactions, in their order."""
    station = offline_station(station_id=station_id, id_tag="TAG", ledger=Ledger())
    said = play(station.come_back(2), 20)
    assert station.is_accepted
    assert station.has_sent_all()
    kept = said[3:-1]
    assert [action for action, _ in said[:3]] == ["BootNotification", *["StatusNotification"] * 2]
    assert said[-1][0] == "Heartbeat"
    times = [payload.get("timestamp") or payload["meterValue"][0]["timestamp"] for _, payload in kept]
    assert len(kept) == 2 * 5
    assert times == sorted(times)
    assert times[-1] < said[1][1]["timestamp"]
    if station.subprotocol == "ocpp2.0.1":
        assert all(payload["offline"] for _, payload in kept)
