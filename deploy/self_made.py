"""A certificate for trials, made here: `make run TLS=1` serves it where CSMS_TLS_CERTIFICATE_FILES names no other.

A root signs one certificate with an ECDSA key and one with an RSA key, for stations that have RSA alone. The key of the
root is never written: nobody can sign anything else with it, so that trusting the root is trusting these two.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from deploy.trial_authority import PrivateKey, TrialAuthority
from deploy.whole_files import write_whole
from mesh.identity.certificate_files import CertificateFiles, load_certificates
from mesh.runtime.startup_errors import SettingError
from mesh.runtime.times import DAY_US, from_datetime

# They are made anew at a start when they have less left.
_RENEW_DAYS = 30
_HOST_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, kw_only=True)
class SelfMade:
    """The files: the certificates, and their root for those who are to trust them."""

    root: Path
    files: tuple[CertificateFiles, CertificateFiles]


def make_certificates(folder: Path, host: str, now: datetime) -> SelfMade:
    """The certificates in `folder`, made where they are missing, near their end or not for `host`, an IP address.

    Raises SettingError where the folder cannot be written.
    """
    found = SelfMade(root=folder / "root.pem", files=(_files(folder, "ecdsa"), _files(folder, "rsa")))
    names = tuple(dict.fromkeys((*_HOST_NAMES, host)))
    try:
        if not _are_good(found, names, now):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make(found, names, now)
    except OSError as error:
        raise SettingError(f"cannot write certificates into {folder}: {error.strerror}") from error
    return found


def _files(folder: Path, name: str) -> CertificateFiles:
    return CertificateFiles(certificate=folder / f"{name}.pem", key=folder / f"{name}.key")


def _are_good(found: SelfMade, names: Iterable[str], now: datetime) -> bool:
    try:
        certificates = load_certificates(found.files)
    except SettingError:
        return False
    least_us = from_datetime(now) + _RENEW_DAYS * DAY_US
    return found.root.exists() and all(
        set(names) <= set(one.host_names) and one.expire_us > least_us for one in certificates
    )


def _make(found: SelfMade, names: Sequence[str], now: datetime) -> None:
    authority = TrialAuthority("Trial root of ocpp-mesh", now=now)
    keys: tuple[PrivateKey, PrivateKey] = (
        ec.generate_private_key(ec.SECP256R1()),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
    )
    for files, key in zip(found.files, keys, strict=True):
        signed = authority.sign_server(key, names, now=now)
        write_whole(files.key, signed.key_pem)
        write_whole(files.certificate, signed.pem)
    write_whole(found.root, authority.pem)
