"""A certificate for trials, made here: `make run TLS=1` serves it where CSMS_TLS_CERTIFICATE_FILES names no other.

A root signs one certificate with an ECDSA key and one with an RSA key, for stations that have RSA alone. The key of the
root is never written: nobody can sign anything else with it, so that trusting the root is trusting these two.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.whole_files import write_whole
from mesh.identity.certificate_files import CertificateFiles, load_certificates
from mesh.runtime.startup_errors import SettingError
from mesh.runtime.times import DAY_US, from_datetime

_DAYS = 397
# They are made anew at a start when they have less left.
_RENEW_DAYS = 30
_HOST_NAMES = ("localhost", "127.0.0.1", "::1")
_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


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


def _make(found: SelfMade, names: Iterable[str], now: datetime) -> None:
    root_key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject("Trial root of ocpp-mesh")
    root = (
        _begun(subject, root_key.public_key(), now)
        .issuer_name(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    keys: tuple[_Key, _Key] = (
        ec.generate_private_key(ec.SECP256R1()),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
    )
    for files, key in zip(found.files, keys, strict=True):
        certificate = _sign(key, names, root, root_key, now)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_whole(files.key, secret)
        write_whole(files.certificate, certificate.public_bytes(Encoding.PEM))
    write_whole(found.root, root.public_bytes(Encoding.PEM))


def _sign(
    key: _Key, names: Iterable[str], root: x509.Certificate, root_key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=True,
        key_encipherment=isinstance(key, rsa.RSAPrivateKey),  # for suites without forward secrecy
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _begun(_subject("localhost"), key.public_key(), now)
        .issuer_name(root.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        .sign(root_key, hashes.SHA256())
    )


def _begun(
    subject: x509.Name, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=_DAYS))
    )


def _subject(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
