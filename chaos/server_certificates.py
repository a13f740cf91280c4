"""The certificates that gateways and Envoy serve: replaced on disk, and asked for at each door."""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from chaos.entrance import RSA_SUITES
from deploy.envoy_tls import EnvoyTls
from deploy.trial_authority import PrivateKey, TrialAuthority
from deploy.whole_files import write_whole
from mesh.identity.certificate_files import CertificateFiles
from station_kit.tls import station_context

KEY_TYPES = ("ecdsa", "rsa")
HANDSHAKE_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Door:
    """A port with TLS."""

    name: str
    host: str
    port: int


class ServerCertificates:
    """An ECDSA and an RSA certificate below one root, which stays; `renew` replaces both, with new keys."""

    def __init__(self, folder: Path, host: str) -> None:
        """Writes the first ones, for an IP address."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.files = tuple(
            CertificateFiles(certificate=folder / f"{n}.pem", key=folder / f"{n}.key") for n in KEY_TYPES
        )
        self.generation = 0  # of the present ones, from 1
        self._host = host
        self._authority = TrialAuthority("Root of the servers", now=datetime.now(UTC))
        self._generations: dict[bytes, int] = {}  # by certificate, DER
        self._envoy: tuple[EnvoyTls, Path] | None = None
        self.renew()

    @property
    def root(self) -> str:
        """The root that stations trust, PEM."""
        return self._authority.pem.decode()

    def serve_by_envoy(self, tls: EnvoyTls, folder: Path) -> None:
        """From now on they are written for Envoy, too, as `python -m deploy.envoy_config` does."""
        self._envoy = (tls, folder)

    def renew(self) -> None:
        """Puts new certificates in the place of the former ones, while others may read them."""
        self.generation += 1
        keys: tuple[PrivateKey, ...] = (
            ec.generate_private_key(ec.SECP256R1()),
            rsa.generate_private_key(public_exponent=65537, key_size=2048),
        )
        for files, key in zip(self.files, keys, strict=True):
            signed = self._authority.sign_server(key, ("localhost", self._host), now=datetime.now(UTC))
            self._generations[signed.certificate.public_bytes(Encoding.DER)] = self.generation
            write_whole(files.key, signed.key_pem)
            write_whole(files.certificate, signed.pem)
        if self._envoy is not None:
            tls, folder = self._envoy
            tls.write(folder)

    async def served(self, door: Door, key_type: str) -> int:
        """The generation of the certificate that a handshake sees. Raises OSError where there is no handshake."""
        context = station_context(
            self.root, suites=RSA_SUITES if key_type == "rsa" else None, max_version=_VERSIONS[key_type]
        )
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                _reader, writer = await asyncio.open_connection(door.host, door.port, ssl=context)
        except TimeoutError as error:
            raise OSError("the handshake took too long") from error
        try:
            connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
            return self._generations[connection.getpeercert(binary_form=True) or b""]
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


_VERSIONS = {"ecdsa": "TLSv1.3", "rsa": "TLSv1.2"}


def sides(doors: Sequence[Door]) -> list[tuple[Door, str]]:
    """Each door with each type of key."""
    return [(door, key_type) for door in doors for key_type in KEY_TYPES]
