"""TLS of the front door: its certificates as files that Envoy watches, and the settings of its listeners.

Envoy reads a certificate again once its file is replaced by renaming (SDS, its secret discovery service, from files).
So the certificates are written into the folder of the configuration, checked first, each with its key in one file: an
operator's files may be replaced in any manner, and a broken one never reaches Envoy. `make run` looks at them every few
seconds; elsewhere `python -m deploy.envoy_config FOLDER` writes them again.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from deploy.whole_files import write_whole
from mesh.identity.certificate_files import (
    CertificateFiles,
    ServerCertificate,
    TlsPlacement,
    load_certificates,
    read_certificate_files,
)
from mesh.identity.cipher_suites import OPERATOR_SUITES, STATION_SUITES
from mesh.identity.front_door import NO_TLS, TLS_IN_FRONT
from mesh.runtime.settings import Environment, is_loopback
from mesh.runtime.startup_errors import SettingError

_FOLDER = "tls"
# Half a year: a browser that was here once comes by HTTPS alone for so long.
HSTS_S = 15_552_000
_EXTENSION = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"


@dataclass(frozen=True, kw_only=True)
class EnvoyTls:
    """TLS of the front door. Without `files` nothing is encrypted."""

    files: tuple[CertificateFiles, ...] = ()
    operators: bool = False  # whether the operators' port has TLS
    station_port: int | None = None  # of the listener for stations with TLS; None: there is none
    hsts_s: int = 0  # for how long browsers come by HTTPS alone
    ends_in_front: bool = False  # at a proxy in front of Envoy

    @classmethod
    def read(cls, env: Environment, *, host: str) -> Self:
        """Reads it. Raises SettingError, also where others would send their secrets as they are."""
        operators = env.switch("CSMS_HTTP_TLS", default=False)
        has_port = env.optional("CSMS_STATION_TLS_PORT") is not None
        files = read_certificate_files(env)
        if (operators or has_port) and not files:
            raise SettingError("CSMS_TLS_CERTIFICATE_FILES is not set: TLS needs a certificate")
        placement = TlsPlacement.read(env, host=host, is_served=operators)
        placement.check(is_loopback=is_loopback(placement.host))
        return cls(
            files=files if operators or has_port else (),
            operators=operators,
            station_port=env.port("CSMS_STATION_TLS_PORT", 0) if has_port else None,
            hsts_s=env.number("CSMS_HSTS_S", 0 if is_loopback(placement.host) else HSTS_S),
            ends_in_front=placement.ends_in_front,
        )

    def write(self, folder: Path) -> tuple[ServerCertificate, ...]:
        """Writes the certificates for Envoy into `folder`, and returns them. Raises SettingError for one of no use."""
        certificates = load_certificates(self.files)
        place = folder / _FOLDER
        if certificates:
            place.mkdir(mode=0o700, exist_ok=True)
        for number, one in enumerate(certificates):
            write_whole(_path(folder, number), _secret(number, one).encode())
        return certificates

    def strict_transport_security(self, certificates: Sequence[ServerCertificate]) -> str | None:
        """The value of the header; None where a browser would be shut out: with a certificate that nobody signed."""
        if not self.operators or not self.hsts_s or any(one.is_self_signed for one in certificates):
            return None
        return f"max-age={self.hsts_s}"

    @property
    def without(self) -> str:
        """The header by which gateways learn of a connection that Envoy did not encrypt."""
        return TLS_IN_FRONT if self.ends_in_front else NO_TLS


WITH_TLS = "%DOWNSTREAM_TLS_VERSION% %DOWNSTREAM_TLS_CIPHER%"
"""The header of a connection that it did encrypt."""


def transport(count: int, folder: Path, *, stations: bool) -> str:
    """The transport socket of a listener, as JSON, with so many certificates from `folder`.

    Certificates of stations are requested and passed on, and not checked: the gateway has them checked, and answers the
    station. Browsers are not asked for one.
    """
    common: dict[str, Any] = {
        "alpn_protocols": ["http/1.1"] if stations else ["h2", "http/1.1"],
        "tls_params": {
            "tls_minimum_protocol_version": "TLSv1_2",
            "tls_maximum_protocol_version": "TLSv1_3",
            "cipher_suites": list(STATION_SUITES if stations else OPERATOR_SUITES),
        },
        "tls_certificate_sds_secret_configs": [_reference(folder, number) for number in range(count)],
    }
    if stations:
        common["validation_context"] = {"trust_chain_verification": "ACCEPT_UNTRUSTED"}
    context = {
        "@type": f"{_EXTENSION}.DownstreamTlsContext",
        # By the host name that the client names; where no certificate has it, the first one that suits the client.
        "full_scan_certs_on_sni_mismatch": True,
        "common_tls_context": common,
    }
    return json.dumps({"name": "envoy.transport_sockets.tls", "typed_config": context})


def own_transport() -> str:
    """The transport socket by which Envoy calls its own listener, as JSON. It never leaves this machine."""
    context = {"@type": f"{_EXTENSION}.UpstreamTlsContext", "common_tls_context": {}}
    return json.dumps({"name": "envoy.transport_sockets.tls", "typed_config": context})


def _path(folder: Path, number: int) -> Path:
    return folder / _FOLDER / f"certificate-{number}.json"


def _reference(folder: Path, number: int) -> dict[str, Any]:
    watched = {"path": str(_path(folder, number)), "watched_directory": {"path": str(folder / _FOLDER)}}
    return {
        "name": f"certificate-{number}",
        "sds_config": {"path_config_source": watched, "resource_api_version": "V3"},
    }


def _secret(number: int, one: ServerCertificate) -> str:
    certificate = {
        "certificate_chain": {"inline_string": one.chain.decode()},
        "private_key": {"inline_string": one.key.decode()},
    }
    secret = {"@type": f"{_EXTENSION}.Secret", "name": f"certificate-{number}", "tls_certificate": certificate}
    return json.dumps({"resources": [secret]})
