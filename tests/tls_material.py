"""Certificates of servers and of stations for tests of TLS, and raw handshakes that show what was served."""

import asyncio
import base64
import ipaddress
import socket
import ssl
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.whole_files import write_whole
from mesh.identity.certificate_files import CertificateFiles
from station_kit.tls import ShownCertificate, station_context
from tests.certificates import Basics, Key, TestAuthority, authority, begun, ec_key, key_pem, name

# The suites that stations support by the standard (A00.FR.318, A00.FR.319).
SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
)
RSA_ONLY = "ECDHE-RSA-AES128-GCM-SHA256:AES128-GCM-SHA256"
HOST, OTHER_HOST = "localhost", "stations.example.org"
TIMEOUT_S = 60.0


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """An RSA key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@dataclass(frozen=True, kw_only=True)
class Validity:
    """Days from now on: the beginning and the end of a certificate."""

    begin_days: float = -1
    end_days: float = 90


_KEY_ENCIPHERMENT = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=True,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
GOOD = Validity()
EXPIRED = Validity(begin_days=-90, end_days=-1)
NOT_YET = Validity(begin_days=1)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """The extended key usage of a certificate, and the names that it is for.

    `signs` false: its keyUsage is keyEncipherment alone, as that of old RSA certificates is.
    """

    purpose: x509.ObjectIdentifier
    signs: bool = True
    host_names: Sequence[str] = ()


def certify(
    issuer: TestAuthority, common_name: str, key: Key, usage: Usage, validity: Validity = GOOD
) -> TestAuthority:
    """A certificate that the issuer signed, and its key."""
    now = datetime.now(UTC)
    basics = Basics(begin=now + timedelta(days=validity.begin_days), end=now + timedelta(days=validity.end_days))
    builder = begun(name(common_name, organization="Tests"), issuer, key, basics)
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage.purpose]), critical=False)
    if not usage.signs:
        builder = builder.add_extension(_KEY_ENCIPHERMENT, critical=True)
    if usage.host_names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_name, usage.host_names))), critical=False)
    return TestAuthority(certificate=builder.sign(issuer.key, hashes.SHA256()), key=key)


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


class ServerFiles:
    """Certificates of a server in a folder, signed by `root` through an intermediate authority."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = authority("Server root")
        self.intermediate = authority("Server authority", issuer=self.root)

    def write(self, name: str, *host_names: str, key: Key | None = None, validity: Validity = GOOD) -> CertificateFiles:
        """Writes a certificate in place of the former one of this name. The files are replaced by renaming."""
        usage = Usage(purpose=ExtendedKeyUsageOID.SERVER_AUTH, host_names=host_names)
        one = certify(self.intermediate, name, key or ec_key(), usage, validity)
        files = CertificateFiles(certificate=self.folder / f"{name}.pem", key=self.folder / f"{name}.key")
        replace_file(files.certificate, one.pem + self.intermediate.pem)
        replace_file(files.key, key_pem(one.key))
        return files


def replace_file(path: Path, text: str) -> None:
    """Puts a file in the place of another one at once, readable by its owner alone."""
    write_whole(path, text.encode())


def station_certificate(
    folder: Path, issuer: TestAuthority, common_name: str, *, above: Sequence[TestAuthority] = (), **options: object
) -> ShownCertificate:
    """Files of a station's certificate; `above` are the certificates that it shows with it.

    Options: `key`, `validity`, and those of its `Usage`: `purpose`, and `signs`.
    """
    key, validity = options.get("key") or ec_key(), options.get("validity", GOOD)
    purpose = options.get("purpose", ExtendedKeyUsageOID.CLIENT_AUTH)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    assert isinstance(validity, Validity)
    assert isinstance(purpose, x509.ObjectIdentifier)
    one = certify(issuer, common_name, key, Usage(purpose=purpose, signs=options.get("signs", True) is True), validity)
    shown = ShownCertificate(chain=folder / f"{common_name}.pem", key=folder / f"{common_name}.key")
    replace_file(shown.chain, one.pem + "".join(each.pem for each in above))
    replace_file(shown.key, key_pem(one.key))
    return shown


def old_context() -> ssl.SSLContext:
    """A station that has TLS 1.1 at the most."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def trusting(root: TestAuthority, *, suites: str | None = None, max_version: str | None = None) -> ssl.SSLContext:
    """The context of a station that trusts a root. With `suites` it has TLS 1.2 and no more."""
    version = max_version or ("TLSv1.3" if suites is None else "TLSv1.2")
    return station_context(root.pem, suites=suites, max_version=version)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A handshake: what the server showed, and the HTTP status of its answer to the station's request."""

    version: str
    cipher: str
    certificate: x509.Certificate
    is_resumed: bool
    session: ssl.SSLSession | None
    status: int
    body: str

    @property
    def common_name(self) -> str:
        """The subject of the server's certificate."""
        return str(self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

    @property
    def is_rsa(self) -> bool:
        """Whether its key is RSA."""
        return isinstance(self.certificate.public_key(), rsa.RSAPublicKey)


@dataclass(frozen=True, kw_only=True)
class Handshake:
    """A station's connection up to the answer to its request, without a WebSocket library."""

    port: int
    context: ssl.SSLContext
    station_id: str = "CP1"
    server_name: str | None = HOST
    session: ssl.SSLSession | None = None
    credential: str = ""

    async def run(self) -> Shown:
        """Does it, and closes. Raises ssl.SSLError or OSError where TLS fails."""
        return await asyncio.to_thread(self.run_here)

    def run_here(self) -> Shown:
        """The same in this thread, which waits."""
        if self.server_name is None:  # the certificate is checked against no name, since none is named
            self.context.check_hostname = False
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_S) as plain,
            self.context.wrap_socket(plain, server_hostname=self.server_name, session=self.session) as encrypted,
        ):
            encrypted.sendall(self._request())
            head, body = _answer(encrypted)
            cipher = encrypted.cipher()
            leaf = encrypted.getpeercert(binary_form=True)
            assert cipher is not None
            assert leaf is not None
            return Shown(
                version=encrypted.version() or "",
                cipher=cipher[0],
                certificate=x509.load_der_x509_certificate(leaf),
                is_resumed=bool(encrypted.session_reused),
                session=encrypted.session,
                status=int(head.split(" ")[1]),
                body=body,
            )

    def _request(self) -> bytes:
        lines = [
            f"GET /ocpp/{self.station_id} HTTP/1.1",
            f"Host: {self.server_name or '127.0.0.1'}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol: ocpp1.6",
        ]
        if self.credential:
            secret = base64.b64encode(f"{self.station_id}:{self.credential}".encode()).decode()
            lines.append(f"Authorization: Basic {secret}")
        return "\r\n".join([*lines, "", ""]).encode()


def _answer(encrypted: ssl.SSLSocket) -> tuple[str, str]:
    """The head of the answer, and its body where it is no upgrade."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += (part := encrypted.recv(4096))
        if not part:
            raise ConnectionResetError("closed without an answer")
    head, _, body = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101"):
        while part := encrypted.recv(4096):
            body += part
    return head.decode(), body.decode()
