"""The log of one part: what it writes to standard error, in a file that does not grow for ever."""

from contextlib import suppress
from pathlib import Path

LIMIT_BYTES = 10 * 1024 * 1024


class LogFile:
    """Lines appended to `path`; a full file becomes `path`.1, in place of an older one."""

    def __init__(self, path: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self.path = path
        self._limit = limit_bytes
        self._file = path.open("ab")

    def write(self, line: bytes) -> None:
        """Appends one line. On a full disk it is lost: the part itself has to continue."""
        with suppress(OSError):
            if self._file.tell() + len(line) >= self._limit:
                self._rotate()
            self._file.write(line + b"\n")
            self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        with suppress(OSError):
            self._file.close()

    def _rotate(self) -> None:
        self._file.close()
        self.path.replace(self.path.with_name(self.path.name + ".1"))
        self._file = self.path.open("ab")
