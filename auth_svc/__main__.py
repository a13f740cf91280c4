"""`python -m auth_svc` serves; `python -m auth_svc migrate` brings the schema up to date and exits.

`python -m auth_svc reset-password NAME [TENANT]` gives a user a temporary password, also while the service runs.
"""

import os
import sys
from functools import partial

from argon2 import PasswordHasher

from auth_svc import migrations
from auth_svc.export import EXPORTED
from auth_svc.reset_command import reset_password
from auth_svc.service import build
from auth_svc.settings import AuthSettings
from mesh.runtime.settings import Environment
from mesh.runtime.times import now_us
from mesh.service import Build, run_service


def read_build(env: Environment) -> Build:
    """The function that builds the service, with its settings. Raises SettingError."""
    return partial(build, settings=AuthSettings.read(env), clock=now_us, hasher=PasswordHasher(), announce=_announce)


def _announce(line: str) -> None:
    # Standard output, not the log: the person who starts the system reads it once, and no log collector keeps it.
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Runs the service, or a command, with the settings of this process's environment."""
    if sys.argv[1:2] == ["reset-password"]:
        sys.exit(reset_password(sys.argv[2:], environ=os.environ, announce=_announce))
    run_service("auth", migrations, read_build, exported=EXPORTED, environ=os.environ)


if __name__ == "__main__":
    main()
