"""The measurements with TLS once, small, on a mesh of real processes on SQLite."""

from pathlib import Path

from benchmarks import handshakes
from benchmarks.handshakes import measure_plain, measure_tls
from benchmarks.measuring import Plan
from benchmarks.operator_calls import check_ledger, recorded
from benchmarks.servers import Database, mesh
from benchmarks.tls_run import by_turns, table
from benchmarks.yardstick import station_ids

SHORT = Plan(warm_up_s=0.2, window_s=1.0, windows=1)
SQLITE = Database(name="SQLite", url=None, root=None)
STATIONS = 100  # of fewer, the cheapest kind may take less than the tick of 10 ms in which Linux counts CPU time


async def test_handshakes_of_every_kind_and_the_closed_loop_by_turns(tmp_path: Path) -> None:
    """Each kind is what it says: sessions are resumed where they are to be, and nowhere else."""
    async with mesh(SQLITE, tmp_path, tls=True) as running:
        assert running.tls_target is not None
        stations = station_ids("Handshake", STATIONS)
        found = await measure_plain(running.target, stations) + await measure_tls(running.tls_target, stations)
        kinds = [handshakes.PLAIN, handshakes.FULL, handshakes.RESUMED, handshakes.FORMER]
        assert [one.kind for one in found.handshakes] == kinds
        assert [one.resumed for one in found.handshakes] == [0, 0, STATIONS, 0]
        assert set(found.idle_kib_each) == {handshakes.PLAIN, handshakes.FULL}
        for one in found.handshakes:
            assert 0 < one.p50_s <= one.p99_s <= one.seconds
            assert one.cpu_us["gateway"] > 0
        case, told = await by_turns(running, "Session", 5, plan=SHORT, pairs=2)
        assert [cost.measured.target for pair in case.pairs for cost in pair] == ["SQLite", "SQLite, TLS"] * 2
        assert case.ratio > 0
        assert "TLS: gateway µs" in table([case])
        assert told.stops > 0
        assert "all recorded" in check_ledger(told, await recorded(running))
