"""Certificates of stations, each with its exact outcome at the gateway and at Envoy (OCPP 2.0.1 part 2, A00).

auth_svc signs, checks and revokes them; another party's authority, which it trusts, signed those that it would not.
"""

import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from csms.auth.v1 import certificate_authority_service_pb2 as signing
from csms.auth.v1 import certificate_service_pb2
from csms.auth.v1.certificate_authority_service_pb2_grpc import CertificateAuthorityServiceStub
from csms.auth.v1.certificate_service_pb2_grpc import CertificateServiceStub
from csms.common.v1.certificate_pb2 import CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE
from csms.station.v1 import station_pb2, station_service_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from gateway.tls.pem import certificates_of
from mesh.grpc.channels import open_channel
from station_kit.tls import ShownCertificate, station_context
from tests import certificates
from tests.certificates import Key, TestAuthority, authority
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.mesh_identities import identity_of
from tests.tls_material import EXPIRED, NOT_YET, Shown, replace_file, rsa_key, station_certificate
from tests.waiting import eventually, until

ROOT = authority("Stations' root")
INTERMEDIATE = authority("Stations' authority", issuer=ROOT)
_BY_CERTIFICATE = 3


def trusting_auth(folder: Path, *authorities: TestAuthority) -> dict[str, str]:
    """The settings of an auth_svc that trusts other parties' authorities."""
    bundle = folder / "outside.pem"
    bundle.write_text("".join(one.pem for one in authorities))
    return {"CSMS_CLIENT_CA_FILE": str(bundle)}


@dataclass(frozen=True, kw_only=True)
class StationCertificates:
    """Makes certificates of the stations of a mesh, in files of a folder."""

    mesh: MeshRig
    folder: Path

    async def register(self, station_id: str, serial_number: str, *, profile: int = _BY_CERTIFICATE) -> str:
        """Adds a station with the serial number that its certificates have to name; its password, below profile 3."""
        new = station_service_pb2.CreateStationRequest(station_id=station_id, security_profile=profile)
        created = await self.mesh.stations.CreateStation(new, metadata=self.mesh.metadata, timeout=TIMEOUT_S)
        change = station_service_pb2.UpdateStationRequest(
            station=station_pb2.Station(station_id=station_id, expected_serial_number=serial_number),
            update_mask=FieldMask(paths=["expected_serial_number"]),
        )
        await self.mesh.stations.UpdateStation(change, metadata=self.mesh.metadata, timeout=TIMEOUT_S)
        password: str = created.credential
        return password

    async def issued(
        self,
        station_id: str,
        common_name: str,
        *,
        key: Key | None = None,
        at_once: bool = False,
        tenant_id: str = "default",
    ) -> ShownCertificate:
        """One that auth_svc signs for a station, as station_svc asks for it.

        The gateway knows its authority, unless it is to be shown `at_once`.
        """
        key = key or certificates.ec_key()
        item = signing.SignCertificateItem(
            tenant_id=tenant_id,
            station_id=station_id,
            common_names=[common_name],
            csr=certificates.csr(common_name, key=key),
            certificate_type=CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE,
        )
        address = self.mesh.gateway_settings.auth_address
        async with open_channel(address, identity=identity_of("station"), to="auth") as channel:
            stub: Any = CertificateAuthorityServiceStub(channel)
            request = signing.SignCertificatesRequest(items=[item])
            [result] = (await stub.SignCertificates(request, timeout=TIMEOUT_S)).results
        assert not result.HasField("error"), result.error
        shown = ShownCertificate(chain=self.folder / f"{common_name}.pem", key=self.folder / f"{common_name}.key")
        replace_file(shown.chain, result.certificate_chain)
        replace_file(shown.key, certificates.key_pem(key))
        if not at_once:
            await self._known()
        return shown

    def outside(self, common_name: str, *, issuer: TestAuthority = ROOT, **options: Any) -> ShownCertificate:
        """One of another party's authority; `options` are those of tests.tls_material.station_certificate."""
        return station_certificate(self.folder, issuer, common_name, **options)

    async def revoke(self, certificate: ShownCertificate) -> None:
        """An operator revokes one that auth_svc signed."""
        [leaf, *_] = x509.load_pem_x509_certificates(certificate.chain.read_bytes())
        request = certificate_service_pb2.RevokeCertificateRequest(serial_number=f"{leaf.serial_number:X}")
        stub: Any = CertificateServiceStub(self.mesh.auth_channel)
        await stub.RevokeCertificate(request, metadata=self.mesh.metadata, timeout=TIMEOUT_S)

    async def refused(self, station_id: str) -> str:
        """The reason of the handshake that was refused in a station's name, once it is counted."""
        request = station_service_pb2.GetStationRequest(station_id=station_id)

        async def last() -> str:
            found = await self.mesh.stations.GetStation(request, metadata=self.mesh.metadata, timeout=TIMEOUT_S)
            reason: str = found.station.credential_failures.last_reason
            return reason

        return await eventually(last)

    async def _known(self) -> None:
        """Until the gateway knows auth_svc's own authority, which is made at first need."""
        stub: Any = CertificateServiceStub(self.mesh.auth_channel)
        request = certificate_service_pb2.GetCertificateAuthorityRequest()
        answer = await stub.GetCertificateAuthority(request, metadata=self.mesh.metadata, timeout=TIMEOUT_S)
        [root] = certificates_of(answer.certificate_authority.root_certificate)
        await until(lambda: self.mesh.gateway.tls is None or root in self.mesh.gateway.tls._of_tenants)


Make = Callable[[StationCertificates, str, str], Awaitable[ShownCertificate]]
"""Makes the certificate that a station shows: of its identity and its serial number."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A certificate, and the answer to the station that shows it."""

    name: str
    make: Make
    status: int = 401
    text: str = ""  # of the answer, a regular expression; empty: any
    reason: str = ""  # that the station's resource has for the refusal
    detail: str = ""  # of OpenSSL, where the handshake fails at the gateway itself, before there is an answer
    fails_at_envoy: bool = False  # the same there, where other certificates are let through to the gateway
    profile: int = _BY_CERTIFICATE

    @property
    def station_id(self) -> str:
        """The station that shows it, one for each row."""
        return "CP-" + re.sub(r"\W", "-", self.name)

    async def shown(self, maker: StationCertificates) -> tuple[ShownCertificate, str]:
        """The certificate and the password, once its station is there."""
        password = await maker.register(self.station_id, f"SN-{self.station_id}", profile=self.profile)
        return await self.make(maker, self.station_id, f"SN-{self.station_id}"), password

    async def check_refusal(self, maker: StationCertificates) -> None:
        """Holds the station's resource against the row: operators see the refusal with its reason."""
        if self.status != 101:
            assert await maker.refused(self.station_id) == self.reason

    def check(self, answer: Shown) -> None:
        """Holds an answer against the row."""
        assert answer.status == self.status, answer.body
        assert re.match(self.text, answer.body), answer.body


def _issued(**options: Any) -> Make:
    return lambda maker, station_id, serial_number: maker.issued(station_id, serial_number, **options)


def _outside(*, name: str | None = None, **options: Any) -> Make:
    async def make(maker: StationCertificates, _station_id: str, serial_number: str) -> ShownCertificate:
        return maker.outside(name or serial_number, **options)

    return make


async def _revoked(maker: StationCertificates, station_id: str, serial_number: str) -> ShownCertificate:
    shown = await maker.issued(station_id, serial_number)
    await maker.revoke(shown)
    return shown


async def _renewed(maker: StationCertificates, station_id: str, serial_number: str) -> ShownCertificate:
    """The station's new certificate, after its former one was revoked."""
    await _revoked(maker, station_id, serial_number)
    return await maker.issued(station_id, serial_number)


async def _of_another_station(maker: StationCertificates, _station_id: str, serial_number: str) -> ShownCertificate:
    """auth_svc signed it for another station, with this one's serial number as it has it."""
    return await maker.issued("CP-another", serial_number)


async def _of_another_tenant(maker: StationCertificates, station_id: str, serial_number: str) -> ShownCertificate:
    """auth_svc signed it for the station of the same identity and serial number that another tenant has."""
    return await maker.issued(station_id, serial_number, tenant_id="another")


_CERTIFICATE = "the station's certificate: "
_UNTRUSTED = "CLIENT_CERTIFICATE_UNTRUSTED"
_EXPIRED = Row(
    name="expired",
    make=_outside(validity=EXPIRED),
    text=f"{_CERTIFICATE}certificate [0-9A-F]+ expired at ",
    reason="CLIENT_CERTIFICATE_EXPIRED",
)
_REVOKED = Row(
    name="revoked",
    make=_revoked,
    text=f"{_CERTIFICATE}certificate [0-9A-F]+ is revoked",
    reason="CLIENT_CERTIFICATE_REVOKED",
)
MATRIX = (
    Row(name="valid, ECDSA", make=_issued(), status=101),
    Row(name="valid, RSA", make=_issued(key=rsa_key()), status=101),
    Row(name="valid, of another authority, ECDSA", make=_outside(), status=101),
    Row(name="valid, of another authority, RSA", make=_outside(key=rsa_key()), status=101),
    Row(name="chain complete", make=_outside(issuer=INTERMEDIATE, above=[INTERMEDIATE]), status=101),
    Row(name="renewed", make=_renewed, status=101),
    _EXPIRED,
    replace(_EXPIRED, name="expired, profile 1", profile=1),
    replace(_EXPIRED, name="expired, profile 2", profile=2),
    Row(
        name="not yet valid",
        make=_outside(validity=NOT_YET),
        text=f"{_CERTIFICATE}certificate [0-9A-F]+ is valid from ",
        reason="CLIENT_CERTIFICATE_NOT_YET_VALID",
    ),
    _REVOKED,
    replace(_REVOKED, name="revoked, profile 1", profile=1),
    replace(_REVOKED, name="revoked, profile 2", profile=2),
    Row(
        name="wrong root",
        make=_outside(issuer=authority("Stations' root")),  # of the same name
        text=f"{_CERTIFICATE}its path does not lead to an authority that is trusted here",
        reason=_UNTRUSTED,
        detail="certificate signature failure",
    ),
    Row(
        name="chain incomplete",
        make=_outside(issuer=INTERMEDIATE),
        text=f"{_CERTIFICATE}its path does not lead to an authority that is trusted here",
        reason=_UNTRUSTED,
        detail="unable to get local issuer certificate",
    ),
    Row(
        name="wrong name",
        make=_outside(name="SN-OTHER"),
        text="the certificate names 'SN-OTHER', which is not the serial",
        reason="CLIENT_CERTIFICATE_SUBJECT_WRONG",
    ),
    Row(
        name="another station's",
        make=_of_another_station,
        text=f"{_CERTIFICATE}it was issued to another station",
        reason=_UNTRUSTED,
    ),
    Row(
        name="another tenant's",
        make=_of_another_tenant,
        text=f"{_CERTIFICATE}it was issued to another station",
        reason=_UNTRUSTED,
    ),
    Row(
        name="too short",
        make=_outside(key=rsa_key(1024)),
        text=f"{_CERTIFICATE}the key of certificate [0-9A-F]+ is too short",
        reason="CLIENT_CERTIFICATE_KEY_WEAK",
        detail="EE certificate key too weak",
    ),
    Row(
        name="for servers",
        make=_outside(purpose=ExtendedKeyUsageOID.SERVER_AUTH),
        text=f"{_CERTIFICATE}it is not made for a TLS client",
        reason="CLIENT_CERTIFICATE_NOT_FOR_CLIENTS",
        detail="unsuitable certificate purpose",
    ),
    Row(
        name="may not sign",
        make=_outside(key=rsa_key(), signs=False),
        detail="unsuitable certificate purpose",
        fails_at_envoy=True,
    ),
)
"""The certificates that a station may show, and the outcome of each."""


def showing(root: str, certificate: ShownCertificate) -> ssl.SSLContext:
    """The context of a station that shows a certificate, whatever its own TLS would say of it."""
    context = station_context(root)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # else its own side would refuse a short key
    context.load_cert_chain(certificate.chain, certificate.key)
    return context
