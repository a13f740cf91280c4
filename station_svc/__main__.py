"""`python -m station_svc` serves until a signal stops it; `python -m station_svc migrate` migrates and exits."""

import os
from functools import partial

from mesh.runtime.settings import Environment
from mesh.runtime.times import now_us
from mesh.service import Build, run_service
from station_svc import migrations
from station_svc.export import EXPORTED
from station_svc.service import build
from station_svc.settings import StationSettings


def read_build(env: Environment) -> Build:
    """The function that builds the service, with its settings. Raises SettingError."""
    return partial(build, settings=StationSettings.read(env), clock=now_us)


def main() -> None:
    """Runs the service with the settings of this process's environment."""
    run_service("station", migrations, read_build, exported=EXPORTED, environ=os.environ)


if __name__ == "__main__":
    main()
