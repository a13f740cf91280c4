"""E, the yardstick: the CPU of a message in a bare echo server, under the load of the same client."""

from benchmarks.measuring import Plan, measure
from benchmarks.servers import echo_server

QUICK = Plan(warm_up_s=0.5, window_s=1.0, windows=3)


async def measure_echo(stations: int, *, load_processes: int = 1) -> float:
    """E with so many stations, in µs: heartbeats, which are the smallest messages and make the strictest yardstick.

    Taken before and after each case, since the speed of a machine that others share changes by the minute.
    """
    async with echo_server() as target:
        measured = await measure(
            target,
            workload="Heartbeat",
            stations=station_ids("Heartbeat", stations),
            plan=QUICK,
            load_processes=load_processes,
        )
    return measured.cpu_us["echo"]


def station_ids(workload: str, stations: int) -> list[str]:
    """The stations of a case; each case has its own."""
    code = "".join(letter for letter in workload if letter.isupper() or letter.isdigit())
    return [f"{code}-{stations}-{number}" for number in range(1, stations + 1)]
