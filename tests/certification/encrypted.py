"""Certificates of the server and of stations, for cases under TLS; auth_svc signs and checks those of stations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from csms.auth.v1 import certificate_service_pb2
from csms.auth.v1.certificate_service_pb2_grpc import CertificateServiceStub
from csms.station.v1 import station_pb2, station_service_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from gateway.settings import TlsSettings
from mesh.identity.certificate_files import CertificateFiles
from station_kit.tls import ShownCertificate
from tests import certificates
from tests.certificates import TestAuthority, authority
from tests.certification.played_station import PlayedStation
from tests.certification.v16.charge_point import ChargePoint
from tests.certification.v201.station import ChargingStation
from tests.gateway.raw_station import basic
from tests.gateway.rig import TIMEOUT_S
from tests.tls_material import GOOD, HOST, ServerFiles, Validity, replace_file, rsa_key, station_certificate
from tests.waiting import until


@dataclass(frozen=True, kw_only=True)
class Encrypted:
    """The server's files, and an authority of another party that signs certificates of stations, too."""

    server: ServerFiles
    files: tuple[CertificateFiles, ...]
    outside: TestAuthority = field(default_factory=lambda: authority("Outside"))

    @property
    def settings(self) -> TlsSettings:
        """TLS of the gateway: an ECDSA and an RSA certificate."""
        return TlsSettings(port=0, files=self.files)

    @property
    def bundle(self) -> Path:
        """The file with the other party's authority."""
        path = self.server.folder / "outside.pem"
        path.write_text(self.outside.pem)
        return path

    def certificate(
        self, common_name: str, *, issuer: TestAuthority | None = None, validity: Validity = GOOD
    ) -> ShownCertificate:
        """A certificate of a station, of the other party's authority unless another one is given."""
        return station_certificate(self.server.folder, issuer or self.outside, common_name, validity=validity)

    async def issued(
        self, station: ChargePoint | ChargingStation, **more: Any
    ) -> tuple[ShownCertificate, Mapping[str, str]]:
        """A certificate that auth_svc signs: the station requests it over a connection of profile 1.

        Also the header with its password, which its profile needs still; `more` are further fields of SignCertificate.
        """
        password = await station.mesh.create_station(station.station_id)
        key = certificates.ec_key()
        async with station.connected(headers=basic(station.station_id, password)):
            await station.boot()
            csr = certificates.csr(station.station_id, key=key)
            assert (await station.call("SignCertificate", csr=csr, **more))["status"] == "Accepted"
            action, payload = await station.next_call({"status": "Accepted"})
            assert action == "CertificateSigned"
        shown = ShownCertificate(
            chain=self.server.folder / f"{station.station_id}.pem", key=self.server.folder / f"{station.station_id}.key"
        )
        replace_file(shown.chain, payload["certificateChain"])
        replace_file(shown.key, certificates.key_pem(key))
        tls = station.mesh.gateway.tls
        assert tls is not None
        await until(lambda: len(tls._of_tenants) == 2)  # auth_svc's own one is made at first need
        return shown, basic(station.station_id, password)


async def require_certificate(station: PlayedStation) -> None:
    """The station has security profile 3 from now on: no password is enough."""
    request = station_service_pb2.UpdateStationRequest(
        station=station_pb2.Station(station_id=station.station_id, security_profile=3),
        update_mask=FieldMask(paths=["security_profile"]),
    )
    await station.mesh.stations.UpdateStation(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)


async def revoke(station: PlayedStation, certificate: ShownCertificate) -> None:
    """An operator revokes a certificate that auth_svc signed."""
    [leaf, *_] = x509.load_pem_x509_certificates(certificate.chain.read_bytes())
    request = certificate_service_pb2.RevokeCertificateRequest(serial_number=f"{leaf.serial_number:X}")
    service: Any = CertificateServiceStub(station.mesh.auth_channel)
    await service.RevokeCertificate(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    """The certificates of a file of cases."""
    server = ServerFiles(tmp_path_factory.mktemp("tls"))
    files = (server.write("ecdsa", HOST), server.write("rsa", HOST, key=rsa_key()))
    with pytest.MonkeyPatch.context() as patch:
        for wait in ("POLL_S", "RETRY_S"):
            patch.setattr(f"gateway.tls.authorities.{wait}", 0.05)
        yield Encrypted(server=server, files=files)


@pytest.fixture(scope="module")
def tls(encrypted: Encrypted) -> TlsSettings:
    """TLS of the gateway."""
    return encrypted.settings


@pytest.fixture(scope="module")
def further_settings(encrypted: Encrypted) -> Mapping[str, str]:
    """auth_svc trusts the other party."""
    return {"CSMS_CLIENT_CA_FILE": str(encrypted.bundle)}
