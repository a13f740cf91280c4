"""The upgrade to the release with revocations: certificates of before are valid, found, and can be revoked."""

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from csms.auth.v1.certificate_authority_service_pb2 import (
    CheckClientCertificatesItem,
    CheckClientCertificatesRequest,
    SignCertificateItem,
    SignCertificatesRequest,
)
from csms.auth.v1.certificate_service_pb2 import RevokeCertificateRequest

from auth_svc import models
from mesh.runtime.errors import from_status
from tests import certificates
from tests.auth_svc.conftest import Auth
from tests.downgrade import downgraded

_KEPT = [column.name for column in models.issued_certificate.columns if not column.name.startswith("revoke_")]


async def test_certificates_of_before_are_checked_and_can_be_revoked(auth: Auth) -> None:
    item = SignCertificateItem(tenant_id="default", station_id="CP1", common_names=["CP1"], csr=certificates.csr("CP1"))
    [signed] = (await auth.signing.SignCertificates(SignCertificatesRequest(items=[item]))).results
    with downgraded(auth.database, "auth_svc", "0012") as connection:
        columns = ", ".join(_KEPT)
        [row] = connection.execute(sa.text(f"SELECT {columns} FROM issued_certificate")).mappings()  # noqa: S608
        assert row["serial_number"] == signed.serial_number
    leaf = x509.load_pem_x509_certificates(signed.certificate_chain.encode())[0]
    shown = CheckClientCertificatesItem(
        tenant_id="default", station_id="CP1", certificate=leaf.public_bytes(serialization.Encoding.DER)
    )
    check = CheckClientCertificatesRequest(items=[shown])
    [result] = (await auth.signing.CheckClientCertificates(check)).results
    assert not result.HasField("error"), result.error
    revoke = RevokeCertificateRequest(serial_number=signed.serial_number)
    await auth.certificates.RevokeCertificate(revoke, metadata=await auth.admin())
    [result] = (await auth.signing.CheckClientCertificates(check)).results
    assert from_status(result.error).reason == "CLIENT_CERTIFICATE_REVOKED"
