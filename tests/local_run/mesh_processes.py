"""Which processes belong to a mesh, found from outside, whatever started them and whatever their parent is now."""

from contextlib import suppress
from pathlib import Path

from tests.local_run.processes import runs


def processes_of(data_dir: Path) -> dict[int, str]:
    """Process ids and command lines of everything that was started for this data directory."""
    needle = str(data_dir).encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if (needle in command or needle in (entry / "environ").read_bytes()) and runs(int(entry.name)):
                found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found
