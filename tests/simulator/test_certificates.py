"""Certificates that a station accepts, and those that it refuses."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp

from simulator.certificates import CertificateUse, InstallResult, OwnCertificate, TrustStore, certificate_id, verifies
from tests.simulator.pki import Authority, named, pem

NOW = datetime.now(UTC)
CENTRAL, MAKER = CertificateUse.CENTRAL_SYSTEM, CertificateUse.MANUFACTURER


@pytest.fixture(scope="module")
def authority() -> Authority:
    """One for all tests: keys take time."""
    return Authority()


def test_a_root_is_named_as_ocsp_names_it(authority: Authority) -> None:
    """The hashes are those of the library's own OCSP request for a certificate of that root."""
    leaf = authority.issue(named("CP1"), ec.generate_private_key(ec.SECP256R1()).public_key())
    request = ocsp.OCSPRequestBuilder().add_certificate(leaf, authority.root, hashes.SHA256()).build()
    found = certificate_id(authority.root)
    assert bytes.fromhex(found.issuer_name_hash) == request.issuer_name_hash
    assert bytes.fromhex(found.issuer_key_hash) == request.issuer_key_hash
    assert int(found.serial_number, 16) == authority.root.serial_number


def test_roots_are_installed_listed_and_removed(authority: Authority) -> None:
    """Each once and for its use; by another name nothing is removed."""
    store = TrustStore()
    for _ in range(2):
        assert store.install(CENTRAL, pem(authority.root), now=NOW, most=1) is InstallResult.ACCEPTED
    assert store.install(MAKER, pem(authority.root), now=NOW, most=1) is InstallResult.FAILED
    assert (store.of(CENTRAL), store.of(MAKER)) == ([authority.root], [])
    assert not store.delete(certificate_id(Authority().root))
    assert store.delete(certificate_id(authority.root, "SHA512"))
    assert store.of(CENTRAL) == []


def test_what_is_no_root(authority: Authority) -> None:
    """Nonsense, what has expired, and what may not issue."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    expired = authority.issue(named("Old"), key, authority=True, days=-9)
    for text in ("nonsense", pem(expired), pem(authority.issue(named("CP1"), key))):
        assert TrustStore().install(CENTRAL, text, now=NOW, most=9) is InstallResult.REJECTED


def test_the_station_s_own_certificate(authority: Authority) -> None:
    """Taken for the latest request only, in date, from whom it trusts."""
    own = OwnCertificate()
    store = TrustStore()
    store.install(CENTRAL, pem(authority.root), now=NOW, most=9)

    def take(chain: str) -> bool:
        return own.take(chain, now=NOW, trusts=lambda one: store.vouches(CENTRAL, one))

    older = own.request(serial_number="SIM1", organisation="Operator")
    csr = own.request(serial_number="SIM1", organisation="Operator")
    subject = x509.load_pem_x509_csr(csr.encode()).subject
    assert subject.rfc4514_string() == "O=Operator,CN=SIM1"
    assert not take(authority.answer(older))
    assert not take(Authority("Another").answer(csr))
    assert not take(authority.answer(csr, days=-9))
    assert not take("nonsense")
    assert own.certificate is None
    assert take(authority.answer(csr) + pem(authority.root))
    assert take(authority.answer(csr))


def test_signatures_of_firmware() -> None:
    """ECDSA and both paddings of RSA hold for their content, and for no other."""
    authority = Authority()
    signature = authority.key.sign(b"firmware", ec.ECDSA(hashes.SHA256()))
    assert verifies(authority.root, signature, b"firmware")
    assert not verifies(authority.root, signature, b"something else")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signer = (
        x509.CertificateBuilder()
        .subject_name(named("Maker"))
        .issuer_name(named("Root"))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(authority.root.not_valid_before_utc)
        .not_valid_after(authority.root.not_valid_after_utc)
        .sign(authority.key, hashes.SHA256())
    )
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    for scheme in (pss, padding.PKCS1v15()):
        signature = key.sign(b"firmware", scheme, hashes.SHA256())
        assert verifies(signer, signature, b"firmware")
        assert not verifies(signer, signature, b"something else")
    assert key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1)
