"""`python -m transaction_svc` serves; `python -m transaction_svc migrate` brings the schema up to date and exits."""

import os
from functools import partial

from mesh.runtime.settings import Environment
from mesh.runtime.times import now_us
from mesh.service import Build, run_service
from transaction_svc import migrations
from transaction_svc.export import EXPORTED
from transaction_svc.service import build
from transaction_svc.settings import TransactionSettings


def read_build(env: Environment) -> Build:
    """The function that builds the service, with its settings. Raises SettingError."""
    return partial(build, settings=TransactionSettings.read(env), clock=now_us)


def main() -> None:
    """Runs the service with the settings of this process's environment."""
    run_service("transaction", migrations, read_build, exported=EXPORTED, environ=os.environ)


if __name__ == "__main__":
    main()
