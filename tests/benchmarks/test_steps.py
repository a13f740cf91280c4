"""The clock in each step: what it adds up, and that every step that the tables name is there."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from benchmarks.step_profile import REST, StepProfile, steps_table
from benchmarks.steps import TABLE, Clock


def _spin(turns: int) -> int:
    return sum(range(turns))


def test_a_step_leaves_out_the_steps_it_calls() -> None:
    """The inner one's time is its own; together they are the whole."""
    clock = Clock()
    parts = SimpleNamespace(inner=clock.wrap("inner", lambda: _spin(200_000)))
    outer = clock.wrap("outer", lambda: [parts.inner() for _ in range(5)])
    assert len(outer()) == 5
    assert clock.calls == {"inner": 5, "outer": 1}
    assert clock.spent_ns["outer"] < clock.spent_ns["inner"] / 10


def test_a_step_that_fails_is_counted() -> None:
    """The error comes through, the time counts."""
    clock = Clock()

    def fail() -> None:
        _spin(100_000)
        raise KeyError

    with pytest.raises(KeyError):
        clock.wrap("failing", fail)()
    assert clock.calls["failing"] == 1
    assert clock.spent_ns["failing"] > 0


@pytest.mark.parametrize("process", TABLE)
def test_every_step_is_a_function_of_the_process(process: str) -> None:
    """A renamed step would be reported as nothing: each is found, in a process of its own."""
    code = (
        "from benchmarks.steps import Clock, TABLE, install\n"
        f"clock = Clock()\ninstall({process!r}, clock)\n"
        f"assert set(clock.calls) == set(TABLE[{process!r}]), set(TABLE[{process!r}]) - set(clock.calls)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=180)  # noqa: S603 - our own code


def test_steps_as_a_table() -> None:
    """Steps that take nothing anywhere are left out."""
    steps = {"gateway": {"parse": 1.25, "nothing": 0.01, REST: 8.0}, "database": {"all of it": 20.0}}
    lines = steps_table([StepProfile(workload="Heartbeat", stations=50, steps=steps)]).splitlines()
    assert lines[1].split() == ["process", "step", "Heartbeat", "50"]
    assert [line.split()[-1] for line in lines[3:]] == ["1.2", "8.0", "20.0"]
