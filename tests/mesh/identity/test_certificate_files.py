"""Certificates of servers as files: what is read of them, and what is refused with which words."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from mesh.identity.certificate_files import CertificateFiles, load_certificates
from mesh.runtime.startup_errors import SettingError
from tests.certificates import ec_key, key_pem
from tests.tls_material import EXPIRED, ServerFiles, replace_file, rsa_key


@pytest.fixture
def server(tmp_path: Path) -> ServerFiles:
    """A folder for certificates."""
    return ServerFiles(tmp_path)


@pytest.fixture
def files(server: ServerFiles) -> CertificateFiles:
    """A good one."""
    return server.write("good", "CSMS.example.org", "*.example.net", "192.0.2.7")


def test_what_is_read(files: CertificateFiles) -> None:
    [one] = load_certificates([files])
    assert one.host_names == ("csms.example.org", "*.example.net", "192.0.2.7")
    assert (one.key_type, one.is_self_signed) == ("ecdsa", False)
    assert one.begin_us < one.expire_us
    assert "PRIVATE KEY" not in repr(one)


def test_an_expired_certificate_is_read(server: ServerFiles) -> None:
    """Whether it is served is not decided here: a running server is better than none."""
    [one] = load_certificates([server.write("old", "a", validity=EXPIRED)])
    assert one.expire_us > one.begin_us


def test_one_that_nobody_signed(server: ServerFiles, files: CertificateFiles) -> None:
    replace_file(files.certificate, server.root.pem)
    replace_file(files.key, key_pem(server.root.key))
    [one] = load_certificates([files])
    assert (one.is_self_signed, one.host_names) == (True, ())


def test_a_stamp_follows_a_change(server: ServerFiles, files: CertificateFiles) -> None:
    before = files.stamp()
    assert files.stamp() == before
    server.write("good", "csms.example.org")
    changed = files.stamp()
    assert changed != before
    files.key.unlink()
    assert files.stamp() not in {before, changed}


def _refused(files: CertificateFiles) -> str:
    with pytest.raises(SettingError) as refusal:
        load_certificates([files])
    text = str(refusal.value)
    assert "BEGIN" not in text
    return text


@pytest.mark.parametrize(
    "text",
    ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
    ids=["empty", "no PEM", "no certificate"],
)
def test_no_certificate(files: CertificateFiles, text: str) -> None:
    replace_file(files.certificate, text)
    assert f"{files.certificate} has no certificates in PEM" in _refused(files)


def test_certificates_that_are_no_chain(server: ServerFiles, files: CertificateFiles) -> None:
    leaf = files.certificate.read_text().partition("-----END CERTIFICATE-----\n")
    replace_file(files.certificate, leaf[0] + leaf[1] + server.root.pem)
    assert "is no chain" in _refused(files)


def test_the_key_of_another_certificate(files: CertificateFiles) -> None:
    replace_file(files.key, key_pem(ec_key()))
    assert f"{files.key} is not the key of {files.certificate}" in _refused(files)


def test_a_key_with_a_password(files: CertificateFiles) -> None:
    encrypted = ec_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    replace_file(files.key, encrypted.decode())
    assert "without a password" in _refused(files)


def test_keys_that_stations_cannot_use(server: ServerFiles, files: CertificateFiles) -> None:
    """A00.FR.502: at least 2048 bits of RSA, or 224 on a curve."""
    short = server.write("short", "a", key=rsa_key(1024))
    assert "has 1024 bits; 2048 is the least" in _refused(short)
    curve = server.write("curve", "a", key=ec_key(ec.SECP192R1()))
    assert "has 192 bits; 224 is the least" in _refused(curve)
    other = ed25519.Ed25519PrivateKey.generate()
    replace_file(files.key, key_pem(other))  # type: ignore[arg-type]
    assert "neither an RSA nor an elliptic curve key" in _refused(files)


def test_a_key_that_others_can_read(files: CertificateFiles) -> None:
    files.key.chmod(0o644)
    assert f"{files.key} is open to others" in _refused(files)


def test_files_that_are_missing(files: CertificateFiles) -> None:
    files.key.unlink()
    assert f"cannot read {files.key}" in _refused(files)
    files.certificate.unlink()
    assert f"cannot read {files.certificate}" in _refused(files)
