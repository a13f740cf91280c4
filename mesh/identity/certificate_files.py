"""Certificates of our servers, as files: for each a chain (PEM, its own certificate first) and a private key (PEM).

CSMS_TLS_CERTIFICATE_FILES and CSMS_TLS_KEY_FILES name them. The gateway and Envoy's configuration read the same ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from mesh.identity.key_files import read_secret_file
from mesh.runtime.settings import Environment
from mesh.runtime.startup_errors import SettingError
from mesh.runtime.times import SECOND_US

CERTIFICATES_SETTING = "CSMS_TLS_CERTIFICATE_FILES"
KEYS_SETTING = "CSMS_TLS_KEY_FILES"
ENDS_IN_FRONT_SETTING = "CSMS_TLS_ENDS_IN_FRONT"
ECDSA, RSA = "ecdsa", "rsa"
# OCPP 2.0.1 part 2, A00.FR.502: keys of at least 2048 bits (RSA), or 224 bits on an elliptic curve.
_LEAST_BITS = {ECDSA: 224, RSA: 2048}


@dataclass(frozen=True, kw_only=True)
class CertificateFiles:
    """The files of one certificate."""

    certificate: Path
    key: Path

    def stamp(self) -> tuple[int, ...]:
        """A value that another one follows once a file has changed. A missing file has one, too."""
        return (*_stamp(self.certificate), *_stamp(self.key))


@dataclass(frozen=True, kw_only=True)
class ServerCertificate:
    """A certificate of our server, with its chain and key as they were read."""

    files: CertificateFiles
    host_names: tuple[str, ...]  # of its subject alternative names, in lower case; `*.` stands for one label
    key_type: str  # ECDSA or RSA
    begin_us: int
    expire_us: int
    is_self_signed: bool
    chain: bytes  # PEM
    key: bytes = field(repr=False)  # PEM


def read_certificate_files(env: Environment) -> tuple[CertificateFiles, ...]:
    """The files that the two settings name, in their order; none where neither is set. Raises SettingError."""
    certificates, keys = _paths(env, CERTIFICATES_SETTING), _paths(env, KEYS_SETTING)
    if len(certificates) != len(keys):
        raise SettingError(
            f"{CERTIFICATES_SETTING} names {len(certificates)} files and {KEYS_SETTING} {len(keys)}: each certificate "
            "needs its key, in the same order"
        )
    return tuple(CertificateFiles(certificate=one, key=key) for one, key in zip(certificates, keys, strict=True))


def load_certificates(files: Sequence[CertificateFiles]) -> tuple[ServerCertificate, ...]:
    """Reads and checks certificates, each with its key. Raises SettingError for one that no server could use."""
    return tuple(map(_load, files))


@dataclass(frozen=True, kw_only=True)
class TlsPlacement:
    """Whether connections to a server are encrypted, and where the encryption ends. See `check`."""

    host: str  # that others reach it by
    is_served: bool  # TLS ends here
    ends_in_front: bool  # CSMS_TLS_ENDS_IN_FRONT
    has_files: bool = False  # whether CSMS_TLS_CERTIFICATE_FILES is set

    @classmethod
    def read(cls, env: Environment, *, host: str, is_served: bool) -> Self:
        """Reads it. `host` is the address that is bound; CSMS_PUBLISHED_HOST, of a container, comes before it."""
        return cls(
            host=env.text("CSMS_PUBLISHED_HOST", host),
            is_served=is_served,
            ends_in_front=env.switch(ENDS_IN_FRONT_SETTING, default=False),
            has_files=env.optional(CERTIFICATES_SETTING) is not None,
        )

    def check(self, *, is_loopback: bool) -> None:
        """Raises SettingError where others would send their secrets over the network as they are."""
        if not (is_loopback or self.is_served or self.ends_in_front):
            ports = "CSMS_HTTP_TLS=1 for operators (make run TLS=1), CSMS_OCPP_TLS_PORT for stations at a gateway"
            missing = f"switch TLS on ({ports})" if self.has_files else f"set {CERTIFICATES_SETTING} and {ports}"
            raise SettingError(
                f"CSMS_HOST={self.host!r} is not a loopback address, and nothing encrypts what others send there: "
                f"{missing}, or set {ENDS_IN_FRONT_SETTING}=1 where a proxy in front serves TLS "
                "(docs/CONFIGURATION.md)"
            )


def _paths(env: Environment, setting: str) -> list[Path]:
    return [Path(part.strip()) for part in (env.optional(setting) or "").split(",") if part.strip()]


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _load(files: CertificateFiles) -> ServerCertificate:
    chain = _read(files.certificate)
    key = read_secret_file(files.key, KEYS_SETTING)
    try:
        certificates = x509.load_pem_x509_certificates(chain)
    except ValueError as error:
        raise SettingError(f"{CERTIFICATES_SETTING}: {files.certificate} has no certificates in PEM") from error
    leaf = certificates[0]
    _check_order(certificates, files.certificate)
    return ServerCertificate(
        files=files,
        host_names=_host_names(leaf),
        key_type=_key_type(leaf, key, files),
        begin_us=round(leaf.not_valid_before_utc.timestamp()) * SECOND_US,
        expire_us=round(leaf.not_valid_after_utc.timestamp()) * SECOND_US,
        is_self_signed=leaf.issuer == leaf.subject,
        chain=chain,
        key=key,
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingError(f"{CERTIFICATES_SETTING}: cannot read {path}: {error.strerror}") from error


def _check_order(certificates: Sequence[x509.Certificate], path: Path) -> None:
    for one, issuer in pairwise(certificates):
        try:
            one.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise SettingError(
                f"{CERTIFICATES_SETTING}: {path} is no chain: {one.subject.rfc4514_string()!r} is not signed by the "
                "certificate that follows it"
            ) from error


def _host_names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(
        name.lower() if isinstance(name, str) else str(name)
        for name in (*names.get_values_for_type(x509.DNSName), *names.get_values_for_type(x509.IPAddress))
    )


def _key_type(leaf: x509.Certificate, pem: bytes, files: CertificateFiles) -> str:
    """ECDSA or RSA. Raises SettingError where the key is not the certificate's, or none that stations accept."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise SettingError(f"{KEYS_SETTING}: {files.key} has no private key in PEM without a password") from error
    if isinstance(key, ec.EllipticCurvePrivateKey):
        kind = ECDSA
    elif isinstance(key, rsa.RSAPrivateKey):
        kind = RSA
    else:
        raise SettingError(f"{KEYS_SETTING}: {files.key} is neither an RSA nor an elliptic curve key")
    if key.key_size < _LEAST_BITS[kind]:
        raise SettingError(f"{KEYS_SETTING}: {files.key} has {key.key_size} bits; {_LEAST_BITS[kind]} is the least")
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*spki) != leaf.public_key().public_bytes(*spki):
        raise SettingError(f"{KEYS_SETTING}: {files.key} is not the key of {files.certificate}")
    return kind
