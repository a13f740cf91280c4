"""`python -m deploy.local`: runs the whole mesh in the foreground until Ctrl-C. What `make run` does."""

import asyncio
import os
import resource
import signal
import sys
import time
from contextlib import ExitStack, closing, suppress

from deploy.local.data_directory import DataDirectory
from deploy.local.keeper import Keeper, PartFailedError
from deploy.local.log_file import LogFile
from deploy.local.plan import Plan, make_plan
from deploy.local.settings import RunSettings
from deploy.local.status_file import StatusFile
from deploy.local.supervisor import Supervisor, run_until
from deploy.local.terminal import Terminal, say, until_gone
from deploy.pages import PagesError
from mesh.runtime.startup_errors import SettingError

# Each station needs one file descriptor of the gateway, and two of the front door.
WANTED_FILES = 262_144
_PORTS = {"gateway": "the gateway itself", "stations": "a port for them alone"}
# A second Ctrl-C within this time is the same keystroke, come by another way.
SAME_KEYSTROKE_S = 0.5


def main() -> int:
    """Runs the mesh; returns the exit status."""
    began_s = time.monotonic()
    os.umask(0o077)  # the data directory holds signing keys and credentials, for this user only
    try:
        settings = RunSettings.read(os.environ)
        data = DataDirectory(settings.data_dir)
    except SettingError as error:
        return _fail(error)
    try:
        raise_file_limit()
        asyncio.run(_run(settings, data, began_s))
    except (SettingError, PagesError, PartFailedError) as error:
        return _fail(error)
    finally:
        data.release()
    say("stopped")
    return 0


async def _run(settings: RunSettings, data: DataDirectory, began_s: float) -> None:
    stop, kill = asyncio.Event(), asyncio.Event()
    _handle_signals(stop, kill)
    if settings.lifeline:
        asyncio.get_running_loop().add_reader(0, _watch_lifeline, stop)
    logins: list[str] = []

    def on_login(line: str) -> None:
        # At once: should a part fail now, the password would be lost otherwise.
        say(f"{line}    (shown only this once)")
        logins.append(line)

    plan = make_plan(settings, data, on_login=on_login)
    with ExitStack() as stack:
        status = StatusFile(data.run / "mesh.json", plan)
        stack.callback(status.remove)
        groups = [
            [
                Keeper(
                    part,
                    log=stack.enter_context(closing(LogFile(data.logs / f"{part.name}.log"))),
                    on_back=lambda: status.write(keepers),
                )
                for part in group
            ]
            for group in plan.groups
        ]
        keepers = [keeper for group in groups for keeper in group]

        def announce() -> None:
            status.write(keepers)
            _announce(settings, plan, new_login=bool(logins), took_s=time.monotonic() - began_s)

        watching = asyncio.create_task(_watch_terminal(stop))
        stack.callback(watching.cancel)
        certificates = asyncio.create_task(plan.certificates.run())
        stack.callback(certificates.cancel)
        await run_until(stop, kill, Supervisor(groups=groups, is_open=plan.open), announce)


def _announce(settings: RunSettings, plan: Plan, *, new_login: bool, took_s: float) -> None:
    """Says where everything is. The last line contains `ready`: others wait for it."""
    known = "password unchanged since the first start"
    if settings.admin_password_given:
        known += " (CSMS_ADMIN_PASSWORD where that was set then)"
    say("")
    say(f"  dashboard        {plan.http_url}/")
    say(f"  operators        {plan.http_url}   REST under /v1/, gRPC, gRPC-web; /healthz")
    say(f"  charge points    {plan.ocpp_urls[0]}/{{station_id}}")
    say(f"                   {plan.ocpp_urls[1]}/{{station_id}}   (the gateway itself)")
    if plan.stations_url:
        say(f"                   {plan.stations_url}/{{station_id}}   (a port for them alone)")
    for name, url in plan.tls_urls.items():
        if name != "front door":
            say(f"                   {url}/{{station_id}}   (TLS, {_PORTS[name]})")
    if plan.root:
        say(f"  certificates     made here; the root to trust: {plan.root}")
    if settings.tls.ends_in_front:
        say("  not encrypted    here: TLS ends at a proxy in front (CSMS_TLS_ENDS_IN_FRONT)")
    if settings.is_plain_open:
        say(f"  not encrypted    {plan.ocpp_urls[1]}: passwords cross the network in clear")
        say("                   (CSMS_OCPP_HOST=127.0.0.1 closes this port to others)")
    say(f"  not registered   {settings.onboarding}   (CSMS_ONBOARDING)")
    if not new_login:
        say(f"  administrator    admin, {known}")
    if settings.demo:
        say("  demo             simulated stations are running; without them: make run DEMO=0")
    say(f"  data and logs    {settings.data_dir}")
    say("")
    say(f"ready after {took_s:.1f} s; Ctrl-C stops it all")


def _handle_signals(stop: asyncio.Event, kill: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    first_s: list[float] = []

    def interrupted() -> None:
        if stop.is_set() and first_s and loop.time() - first_s[0] > SAME_KEYSTROKE_S:
            kill.set()
        first_s.append(loop.time())
        stop.set()

    loop.add_signal_handler(signal.SIGINT, interrupted)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it
        loop.add_signal_handler(signal.SIGHUP, stop.set)


async def _watch_terminal(stop: asyncio.Event) -> None:
    """Stops, as at a hang-up, when the terminal is closed, unless nohup was used."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return
    await until_gone(Terminal(0 if os.isatty(0) else 1))
    stop.set()


def _watch_lifeline(stop: asyncio.Event) -> None:
    """Stops when standard input ends, as the parts do (mesh/runtime/process.py): the starter of this run has ended."""
    if not os.read(0, 1024):
        asyncio.get_running_loop().remove_reader(0)
        stop.set()


def raise_file_limit() -> None:
    """Raises the limit of open files as far as the system allows; the parts inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_FILES)
    if soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _fail(error: Exception) -> int:
    with suppress(OSError, ValueError):
        sys.stderr.write(f"cannot run: {error}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
