"""Contract certificates for vehicles (OCPP 2.0.1 part 2, M01 and M02): a provider has them, and we pass messages on.

The messages are EXI in base64 and end to end between vehicle and provider: they go both ways as they come.
"""

from dataclasses import dataclass, field
from typing import Protocol

from auth_svc.outbound_http import NoAnswerError
from auth_svc.outbound_json import Answer, JsonServer
from mesh.runtime.error_reasons import Reason

# ISO 15118-2 gives a station 4.5 s for it (table 109).
TIMEOUT_S = 4.0


class ProviderError(Exception):
    """There is no certificate."""

    def __init__(self, reason: Reason, message: str, *, exi_response: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.exi_response = exi_response


@dataclass(frozen=True, kw_only=True)
class EvCertificateRequest:
    """A vehicle's request. `action` is OCPP's word: Install or Update."""

    tenant_id: str
    station_id: str
    schema_version: str
    action: str
    exi_request: str = field(repr=False)


class EvCertificateProvider(Protocol):
    """Gives vehicles contract certificates."""

    async def get(self, request: EvCertificateRequest) -> str:
        """The answer for the vehicle, EXI in base64. Raises ProviderError."""


class NoProvider:
    """The provider of a mesh without one."""

    async def get(self, request: EvCertificateRequest) -> str:
        """See EvCertificateProvider."""
        del request
        raise ProviderError(
            Reason.CERTIFICATE_PROVIDER_MISSING, "no provider of contract certificates is configured here"
        )


class _Answer(Answer, rename="camel"):
    exi_response: str = ""


class HttpProvider:
    """A provider behind one URL."""

    def __init__(self, *, url: str, token: str | None) -> None:
        self._server = JsonServer(url=url, token=token, timeout_s=TIMEOUT_S)

    async def get(self, request: EvCertificateRequest) -> str:
        """See EvCertificateProvider."""
        body = {
            "tenantId": request.tenant_id,
            "stationId": request.station_id,
            "iso15118SchemaVersion": request.schema_version,
            "action": request.action,
            "exiRequest": request.exi_request,
        }
        try:
            answer = await self._server.ask(body, _Answer)
        except NoAnswerError as error:
            raise ProviderError(Reason.CERTIFICATE_PROVIDER_UNAVAILABLE, str(error)) from error
        if not answer.is_accepted:
            message = answer.message or "the provider did not process the request"
            raise ProviderError(Reason.CERTIFICATE_PROVIDER_REFUSED, message, exi_response=answer.exi_response)
        return answer.exi_response
