"""The authority that signs certificates of stations towards vehicles (OCPP 2.0.1 part 2, A02, V2GCertificate).

Such a certificate belongs to the public key infrastructure of vehicle-to-grid, which others operate: a provider signs.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import grpc
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from auth_svc.ocsp_messages import is_issued_by
from auth_svc.outbound_http import NoAnswerError
from auth_svc.outbound_json import Answer, JsonServer
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, unavailable

# station_svc waits for three seconds, and so does the station's answer; later a job tries again.
TIMEOUT_S = 2.5


@dataclass(frozen=True, kw_only=True)
class V2gRequest:
    """A signing request that was checked."""

    tenant_id: str
    station_id: str
    csr: x509.CertificateSigningRequest = field(repr=False)
    pem: str = field(repr=False)


class V2gSigner(Protocol):
    """Signs certificates of stations towards vehicles."""

    async def sign(self, request: V2gRequest) -> list[x509.Certificate]:
        """The certificate and those above it. Raises MeshError; UNAVAILABLE where it may be tried again."""


class NoV2gSigner:
    """The signer of a mesh without one."""

    async def sign(self, request: V2gRequest) -> list[x509.Certificate]:
        """See V2gSigner."""
        del request
        raise MeshError(
            grpc.StatusCode.INVALID_ARGUMENT,
            Reason.CERTIFICATE_TYPE_NOT_SIGNED,
            "certificates towards vehicles are not signed here: CSMS_V2G_SIGNING_URL is not set",
        )


class _Answer(Answer, rename="camel"):
    certificate_chain: str = ""


class HttpV2gSigner:
    """A provider behind one URL."""

    def __init__(self, *, url: str, token: str | None) -> None:
        self._server = JsonServer(url=url, token=token, timeout_s=TIMEOUT_S)

    async def sign(self, request: V2gRequest) -> list[x509.Certificate]:
        """See V2gSigner."""
        body = {
            "tenantId": request.tenant_id,
            "stationId": request.station_id,
            "certificateType": "V2GCertificate",
            "csr": request.pem,
        }
        try:
            answer = await self._server.ask(body, _Answer)
        except NoAnswerError as error:
            raise unavailable(Reason.CERTIFICATE_PROVIDER_UNAVAILABLE, str(error)) from error
        if not answer.is_accepted:
            raise _refused(answer.message or "the provider did not sign the request")
        return _chain(answer.certificate_chain, request.csr)


def _chain(text: str, csr: x509.CertificateSigningRequest) -> list[x509.Certificate]:
    """The certificates of an answer: the first is for the key of the request, and each is signed by the next."""
    try:
        chain = x509.load_pem_x509_certificates(text.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _refused("the provider's answer has no certificate in PEM") from error
    if chain[0].public_key() != csr.public_key():
        raise _refused("the provider's certificate is for another key than the request's")
    for lower, upper in pairwise(chain):
        if not is_issued_by(lower, upper):
            raise _refused("in the provider's chain a certificate is not signed by the one after it")
    return chain


def _refused(message: str) -> MeshError:
    return MeshError(grpc.StatusCode.INVALID_ARGUMENT, Reason.CERTIFICATE_PROVIDER_REFUSED, message)
