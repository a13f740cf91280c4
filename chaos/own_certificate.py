"""The certificate by which a station of the fleet proves itself, and its renewal (OCPP 2.0.1 part 2, A02).

It comes from a manufacturer's authority, as that of a new station does. A renewal is a new key and a signing request,
which the station repeats until the mesh's own authority has sent the certificate for it.
"""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from deploy.trial_authority import TrialAuthority, private_pem
from deploy.whole_files import write_whole
from station_kit.tls import ShownCertificate


class OwnCertificate:
    """The present certificate, in files, and the request for the next one where one is due."""

    def __init__(self, folder: Path, common_name: str, *, manufacturer: TrialAuthority) -> None:
        """`folder` gets the files."""
        self.shown = ShownCertificate(chain=folder / f"{common_name}.pem", key=folder / f"{common_name}.key")
        self.fingerprint = ""  # of the present one: SHA-256 of the DER, hexadecimal
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        self._next_key: ec.EllipticCurvePrivateKey | None = None
        self._request: str | None = None
        self._key = ec.generate_private_key(ec.SECP256R1())
        signed = manufacturer.sign_station(self._key, common_name, now=datetime.now(UTC))
        self._write(self._key, signed.pem)

    @property
    def request(self) -> str | None:
        """The signing request that waits for its certificate, PEM; None where none is due."""
        return self._request

    def renew(self) -> None:
        """Makes the request for another certificate, unless one is waiting."""
        if self._request is None:
            self._next_key = ec.generate_private_key(ec.SECP256R1())
            builder = x509.CertificateSigningRequestBuilder().subject_name(self._name)
            self._request = builder.sign(self._next_key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def take(self, chain: str) -> bool:
        """Takes a chain in PEM; False where it is not for the key of the request, nor for the present one.

        The CSMS sends a chain again when it did not get the answer.
        """
        [leaf, *_] = x509.load_pem_x509_certificates(chain.encode())
        key = leaf.public_key()
        if self._next_key is not None and key == self._next_key.public_key():
            self._key, self._next_key, self._request = self._next_key, None, None
            self._write(self._key, chain.encode())
        return key == self._key.public_key()

    def _write(self, key: ec.EllipticCurvePrivateKey, chain: bytes) -> None:
        [leaf, *_] = x509.load_pem_x509_certificates(chain)
        write_whole(self.shown.key, private_pem(key))
        write_whole(self.shown.chain, chain)
        self.fingerprint = leaf.fingerprint(hashes.SHA256()).hex()
