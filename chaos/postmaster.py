"""`python -m chaos.postmaster USER COMMAND...`: becomes a command, as a user and to be killed when the parent ends.

PostgreSQL refuses to run as root; a USER of `-` stays who it is.
"""

import ctypes  # here, since the user may not be able to read it
import os
import pwd
import sys
from collections.abc import Sequence

from deploy.local import tether

__all__ = ("ctypes", "main")


def main(arguments: Sequence[str]) -> int:
    """Becomes the command."""
    user, *command = arguments
    if user != "-":
        entry = pwd.getpwnam(user)
        os.chdir("/")
        os.initgroups(user, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        os.environ["HOME"] = entry.pw_dir
    return tether.main(command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
