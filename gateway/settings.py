"""The settings of a gateway."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from gateway.websocket.origins import SETTING, is_origin
from mesh.identity.certificate_files import CertificateFiles, TlsPlacement, read_certificate_files
from mesh.identity.front_door import read_front_door_secrets
from mesh.runtime.settings import Environment, MeshSettings, is_loopback
from mesh.runtime.startup_errors import SettingError

TLS_PORT = "CSMS_OCPP_TLS_PORT"


@dataclass(frozen=True, kw_only=True)
class TlsSettings:
    """The port with TLS, and its certificates. `client_authorities` are of stations' certificates (PEM)."""

    port: int
    files: tuple[CertificateFiles, ...]
    client_authorities: str = ""

    @classmethod
    def read(cls, env: Environment) -> Self | None:
        """Reads them; None where there is no such port. Raises SettingError."""
        files, authorities = read_certificate_files(env), _authorities(env)
        if env.optional(TLS_PORT) is None:
            return None
        if not files:
            raise SettingError(f"{TLS_PORT} is set, and CSMS_TLS_CERTIFICATE_FILES is not: TLS needs a certificate")
        return cls(port=env.port(TLS_PORT, 0), files=files, client_authorities=authorities)


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """The settings of a gateway. Addresses are host:port; port 0 means a free one."""

    host: str
    ocpp_host: str  # of the port without TLS
    ocpp_port: int
    mesh_address: str
    advertised_host: str | None  # where station_svc reaches the mesh port; None: where it listens
    shared_port: bool  # other gateways listen on the same OCPP port
    metrics_address: str
    mesh: MeshSettings
    station_address: str
    transaction_address: str
    auth_address: str
    station_origins: frozenset[str] = frozenset()  # of web pages that may connect as stations, in lower case
    front_door_secrets: tuple[str, ...] = field(default=(), repr=False)  # by which Envoy proves itself
    tls: TlsSettings | None = None
    tls_ends_in_front: bool = False  # at a proxy that is not ours, or at our Envoy
    accepts_per_turn: int = 4  # connections, in one turn of the event loop
    backlog_items: int = 128  # items of one RPC without a result, from which on fewer connections are accepted
    longest_turn_ms: int = 20  # of the event loop; fewer connections are accepted while its turns take longer
    workers: int = 1  # gateway processes that share the OCPP port, this one among them
    is_plain_open: bool = False  # whether others reach the port without TLS though there is one with it

    @classmethod
    def read(cls, env: Environment) -> Self:
        """Reads them. Raises SettingError."""
        host = env.text("CSMS_HOST", "127.0.0.1")
        env.onboarding(host=host)  # refused here too: this is the process that binds the port
        tls = TlsSettings.read(env)
        placement = TlsPlacement.read(env, host=host, is_served=tls is not None)
        placement.check(is_loopback=is_loopback(placement.host))
        ocpp_host = env.ocpp_host(host=host, default=host)
        is_private = placement.ends_in_front or is_loopback(ocpp_host) or is_loopback(placement.host)
        workers = env.number("CSMS_GATEWAY_WORKERS", 1, least=1, most=64)
        return cls(
            host=host,
            ocpp_host=ocpp_host,
            ocpp_port=env.port("CSMS_OCPP_PORT", 9000),
            mesh_address=env.text("CSMS_GATEWAY_ADDRESS"),
            advertised_host=env.optional("CSMS_GATEWAY_ADVERTISED_HOST"),
            shared_port=env.switch("CSMS_GATEWAY_SHARED_PORT", default=False) or workers > 1,
            metrics_address=env.text("CSMS_GATEWAY_METRICS_ADDRESS", "127.0.0.1:0"),
            mesh=MeshSettings.read(env, "gateway"),
            front_door_secrets=read_front_door_secrets(env),
            station_address=env.text("CSMS_STATION_ADDRESS"),
            transaction_address=env.text("CSMS_TRANSACTION_ADDRESS"),
            auth_address=env.text("CSMS_AUTH_ADDRESS"),
            station_origins=_station_origins(env),
            tls=tls,
            tls_ends_in_front=placement.ends_in_front,
            accepts_per_turn=env.number("CSMS_ACCEPTS_PER_TURN", 4, least=1, most=1000),
            backlog_items=env.number("CSMS_ADMISSION_BACKLOG", 128, least=1, most=100_000),
            longest_turn_ms=env.number("CSMS_ADMISSION_TURN_MS", 20, least=1, most=60_000),
            workers=workers,
            is_plain_open=not is_private,
        )


def _authorities(env: Environment) -> str:
    path = env.optional("CSMS_CLIENT_CA_FILE")
    if path is None:
        return ""
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"CSMS_CLIENT_CA_FILE: cannot read {path}: {error}") from error


def _station_origins(env: Environment) -> frozenset[str]:
    parts = (part.strip().rstrip("/").lower() for part in (env.optional(SETTING) or "").split(","))
    origins = frozenset(filter(None, parts))
    for origin in sorted(origins):
        if not is_origin(origin):
            raise SettingError(f"{SETTING}: {origin!r} is not an origin, such as http://localhost:5173")
    return origins
