"""Certificates of the server and of stations, for cases under TLS."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.settings import TlsSettings
from mesh.identity.certificate_files import CertificateFiles
from station_kit.tls import ShownCertificate
from tests.certificates import TestAuthority, authority
from tests.client_certificate_checks import ClientChecks
from tests.tls_material import GOOD, HOST, ServerFiles, Validity, rsa_key, station_certificate


@dataclass(frozen=True, kw_only=True)
class Encrypted:
    """The server's files, and the authority of stations."""

    server: ServerFiles
    files: tuple[CertificateFiles, ...]
    stations: TestAuthority
    checks: ClientChecks

    @property
    def settings(self) -> TlsSettings:
        """TLS of the gateway: an ECDSA and an RSA certificate."""
        return TlsSettings(port=0, files=self.files)

    def certificate(
        self, common_name: str, *, issuer: TestAuthority | None = None, validity: Validity = GOOD
    ) -> ShownCertificate:
        """A certificate of a station, of its authority unless another one is given."""
        return station_certificate(self.server.folder, issuer or self.stations, common_name, validity=validity)


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    """The certificates of a file of cases."""
    folder: Path = tmp_path_factory.mktemp("tls")
    server = ServerFiles(folder)
    checks, stations = ClientChecks(), authority("Stations' root")
    checks.authorities = [stations]
    files = (server.write("ecdsa", HOST), server.write("rsa", HOST, key=rsa_key()))
    with pytest.MonkeyPatch.context() as patch:
        checks.apply(patch)
        yield Encrypted(server=server, files=files, stations=stations, checks=checks)


@pytest.fixture(scope="module")
def tls(encrypted: Encrypted) -> TlsSettings:
    """TLS of the gateway."""
    return encrypted.settings
