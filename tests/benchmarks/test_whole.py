"""Each measurement once, small, on a mesh of real processes on SQLite: what it orders about is there, and adds up."""

from pathlib import Path

from benchmarks.extremes import storm
from benchmarks.front_door import measure_rest
from benchmarks.measuring import Plan, measure
from benchmarks.open_loop import measure_fleet
from benchmarks.operator_calls import check_ledger, make_id_tags, recorded
from benchmarks.servers import Database, mesh
from benchmarks.yardstick import station_ids

SHORT = Plan(warm_up_s=0.2, window_s=2.0, windows=1)
PACED = Plan(warm_up_s=0.2, window_s=1.0, windows=1, rate=100.0)


async def test_every_measurement(tmp_path: Path) -> None:
    """Fleet, storm, sessions of both versions, commands through Envoy; all that was acknowledged is recorded."""
    few, many = station_ids("Few", 5), station_ids("Many", 20)
    sessions = {name: station_ids(name, 5) for name in ("Session", "Session201")}
    tagged = [*few, *many, *(one for ids in sessions.values() for one in ids)]
    async with mesh(Database(name="SQLite", url=None, root=None), tmp_path) as running:
        await make_id_tags(running, [f"TAG-{one}" for one in tagged])
        fleet = await measure_fleet(running, few=few, many=many, plan=PACED, load_processes=1)
        # The schedule decides how many there are, not the system: half of them heartbeats.
        assert (fleet.few.messages, fleet.many.messages) == (100, 100)
        assert fleet.many.lanes["transaction_events"].items == 50
        told = fleet.acknowledged
        arrival = await storm(running, stations=station_ids("Arrival", 20), load_processes=1)
        assert arrival.stations == 20
        for name, ids in sessions.items():
            found = await measure(running.target, workload=name, stations=ids, plan=SHORT, load_processes=1)
            assert found.lanes["transaction_events"].items > 0
            assert found.acknowledged.stops > 0
            told += found.acknowledged
        commands = await measure_rest(running, tmp_path, stations=station_ids("Rest", 2))
        assert 0 < commands.p50_ms <= commands.p99_ms
        assert "all recorded" in check_ledger(told, await recorded(running))
