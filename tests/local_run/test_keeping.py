"""Starting, keeping and stopping parts, with small real processes."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from deploy.local.keeper import Keeper, PartFailedError
from deploy.local.supervisor import Supervisor, run_until
from tests.local_run.children import PARENT, STUBBORN, Keepers, pid_of
from tests.local_run.processes import runs, wait_until
from tests.waiting import PATIENCE_S, until


async def _true() -> bool:
    return True


def _supervisor(*groups: list[Keeper]) -> Supervisor:
    return Supervisor(groups=groups, is_open=_true)


async def test_parts_stop_group_by_group(keepers: Keepers, tmp_path: Path) -> None:
    """Each group has ended before the next is asked to."""
    names = ["simulator", "gateway", "envoy", "services"]
    supervisor = _supervisor(*([keepers(name)] for name in names))
    stop = asyncio.Event()
    await asyncio.wait_for(run_until(stop, asyncio.Event(), supervisor, stop.set), PATIENCE_S)
    assert (tmp_path / "stopped").read_text().split() == names
    assert not any(runs(pid_of(tmp_path, name)) for name in names)


async def test_a_part_that_dies_before_it_is_ready_ends_the_run(keepers: Keepers, tmp_path: Path) -> None:
    """Its last words are reported in one line, and the parts that were started beside it are stopped."""
    dying = keepers("auth_svc", 'import sys; sys.stderr.write("auth_svc: CSMS_X is wrong\\n"); sys.exit(78)')
    beside = keepers("gateway")
    announced: list[bool] = []
    with pytest.raises(PartFailedError) as failure:
        await run_until(
            asyncio.Event(), asyncio.Event(), _supervisor([beside], [dying]), lambda: announced.append(True)
        )
    text = str(failure.value)
    assert text.startswith("auth_svc stopped before it was ready: CSMS_X is wrong")
    assert "\n" not in text
    assert str(tmp_path / "auth_svc.log") in text
    assert not announced
    pid_file = tmp_path / "gateway.pid"
    assert not pid_file.exists() or not runs(pid_of(tmp_path, "gateway"))


async def test_a_part_that_dies_after_it_was_ready_but_before_all_are(keepers: Keepers, tmp_path: Path) -> None:
    """It ends the run too."""
    dying = keepers(
        "station_svc",
        'tell("station_svc", 1); import time; time.sleep(0.5); raise SystemExit(3)',
    )

    async def never() -> bool:
        return False

    with pytest.raises(PartFailedError, match=r"station_svc stopped before it was ready: exit status 3"):
        await run_until(asyncio.Event(), asyncio.Event(), Supervisor(groups=[[dying]], is_open=never), lambda: None)


async def test_a_command_that_is_not_there(keepers: Keepers, tmp_path: Path) -> None:
    """Said as plainly."""
    missing = keepers("envoy")
    object.__setattr__(missing.part, "command", [str(tmp_path / "no-such-program")])
    with pytest.raises(PartFailedError, match="envoy cannot be started: No such file or directory"):
        await missing.start()


async def test_a_part_that_dies_is_started_again(
    keepers: Keepers, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Both are said, and its neighbours go on."""
    back = asyncio.Event()
    mortal, neighbour = keepers("mortal", on_back=back.set), keepers("neighbour")
    stop, ready = asyncio.Event(), asyncio.Event()
    run = asyncio.create_task(run_until(stop, asyncio.Event(), _supervisor([mortal, neighbour]), ready.set))
    await asyncio.wait_for(ready.wait(), PATIENCE_S)
    first, other = pid_of(tmp_path, "mortal"), pid_of(tmp_path, "neighbour")
    (tmp_path / "mortal.pid").unlink()
    os.kill(first, signal.SIGKILL)
    await asyncio.wait_for(back.wait(), PATIENCE_S)
    second = pid_of(tmp_path, "mortal")
    assert second != first
    assert runs(second)
    assert pid_of(tmp_path, "neighbour") == other
    assert runs(other)
    stop.set()
    await asyncio.wait_for(run, PATIENCE_S)
    said = capfd.readouterr().out
    assert "mortal died (killed by SIGKILL) and is started again" in said
    assert "mortal is back" in said
    assert "neighbour died" not in said
    assert not runs(second)


async def test_a_part_that_does_not_stop_is_killed(
    keepers: Keepers, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """After its grace, and that is said."""
    stubborn = keepers("stubborn", STUBBORN, grace_s=0.3)
    stop = asyncio.Event()
    await asyncio.wait_for(run_until(stop, asyncio.Event(), _supervisor([stubborn]), stop.set), PATIENCE_S)
    assert not runs(pid_of(tmp_path, "stubborn"))
    assert "stubborn did not stop within" in capfd.readouterr().out


async def test_a_second_ctrl_c_waits_for_nobody(keepers: Keepers, tmp_path: Path) -> None:
    """Every part is killed at once."""
    stubborn = keepers("stubborn", STUBBORN, grace_s=3600)
    stop, kill = asyncio.Event(), asyncio.Event()

    def announce() -> None:
        stop.set()
        asyncio.get_running_loop().call_later(0.1, kill.set)

    await asyncio.wait_for(run_until(stop, kill, _supervisor([stubborn]), announce), PATIENCE_S)
    assert not runs(pid_of(tmp_path, "stubborn"))


async def test_being_stopped_while_starting(keepers: Keepers, tmp_path: Path) -> None:
    """Ctrl-C before ready stops what was started so far."""
    slow = keepers("slow", 'tell("other", os.getpid()); input()')
    stop, announced = asyncio.Event(), asyncio.Event()
    run = asyncio.create_task(run_until(stop, asyncio.Event(), _supervisor([slow]), announced.set))
    await until((tmp_path / "other.pid").exists)
    stop.set()
    await asyncio.wait_for(run, PATIENCE_S)
    assert not announced.is_set()
    assert not runs(pid_of(tmp_path, "other"))


async def test_what_a_part_started_goes_with_it(keepers: Keepers, tmp_path: Path) -> None:
    """A part's own children are in its group."""
    parent = keepers(
        "parent",
        PARENT,
    )
    stop = asyncio.Event()
    await asyncio.wait_for(run_until(stop, asyncio.Event(), _supervisor([parent]), stop.set), PATIENCE_S)
    assert await asyncio.to_thread(wait_until, lambda: not runs(pid_of(tmp_path, "grandchild")))


async def test_a_part_is_dead_when_its_own_process_is(keepers: Keepers, tmp_path: Path) -> None:
    """Its children hold its pipes open, and are ended before the part is started again."""
    back = asyncio.Event()
    parent = keepers("parent", PARENT, on_back=back.set)
    stop, ready = asyncio.Event(), asyncio.Event()
    run = asyncio.create_task(run_until(stop, asyncio.Event(), _supervisor([parent]), ready.set))
    await asyncio.wait_for(ready.wait(), PATIENCE_S)
    grandchild = pid_of(tmp_path, "grandchild")
    first = pid_of(tmp_path, "parent")
    (tmp_path / "parent.pid").unlink()
    os.kill(first, signal.SIGKILL)
    await asyncio.wait_for(back.wait(), PATIENCE_S)
    assert not runs(grandchild)
    stop.set()
    await asyncio.wait_for(run, PATIENCE_S)


async def test_long_and_strange_output_does_no_harm(keepers: Keepers, tmp_path: Path) -> None:
    """Lines without end are cut, bytes that are no text are kept in the log."""
    part = keepers(
        "loud",
        """
        import os, sys
        sys.stderr.buffer.write(b"x" * 3_000_000 + b"\\n" + b"\\xff\\xfe end\\n"); sys.stderr.flush()
        tell("loud", os.getpid())
        sys.stdin.read()
        """,
    )
    await asyncio.wait_for(part.start(), PATIENCE_S)
    await part.stop()
    log = (tmp_path / "loud.log").read_bytes()
    assert log.endswith(b"\xff\xfe end\n")
    assert len(log) < 200_000
