"""`python -m notification_svc` serves until a signal stops it; `python -m notification_svc migrate` only migrates."""

import os
from functools import partial

from mesh.runtime.settings import Environment
from mesh.runtime.times import now_us
from mesh.service import Build, run_service
from notification_svc import migrations
from notification_svc.export import EXPORTED
from notification_svc.service import build
from notification_svc.settings import NotificationSettings


def read_build(env: Environment) -> Build:
    """The function that builds the service, with its settings. Raises SettingError."""
    return partial(build, settings=NotificationSettings.read(env), clock=now_us)


def main() -> None:
    """Runs the service with the settings of this process's environment."""
    run_service("notification", migrations, read_build, exported=EXPORTED, environ=os.environ)


if __name__ == "__main__":
    main()
