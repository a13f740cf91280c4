"""The status of certificates by OCSP: asked of their responders, checked, and kept until its nextUpdate."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography import x509

from auth_svc import ocsp_messages
from auth_svc.ocsp_messages import CertificateId, InvalidResponseError, OcspAnswer
from auth_svc.outbound_http import AddressRefusedError, HttpRules, NoAnswerError, UrlError, post
from mesh.runtime.error_reasons import Reason
from mesh.runtime.times import Clock

# A gateway gives up an attempt after five seconds.
TIMEOUT_S = 4.0
# Responses that are kept; each has 5,500 characters in base64 at most where a station is to get it.
MOST_KEPT = 2_000
MOST_CONCURRENT = 16
_HEADERS = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}


class StatusError(Exception):
    """There is no status. `is_forged`: a response came whose signature is not made for the issuer."""

    def __init__(self, reason: Reason, message: str, *, is_forged: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.is_forged = is_forged


@dataclass(frozen=True, kw_only=True)
class OcspRules:
    """How responders are asked, and the certificates beside theirs by which their signatures are checked."""

    http: HttpRules = field(default_factory=HttpRules)
    trusted: Sequence[x509.Certificate] = ()


class CertificateStatuses:
    """Finds statuses. Each replica keeps its own: a response is signed, and may be asked for again."""

    def __init__(self, *, clock: Clock, rules: OcspRules) -> None:
        self._clock = clock
        self._rules = rules
        self._kept: OrderedDict[CertificateId, OcspAnswer] = OrderedDict()
        self._free = asyncio.Semaphore(MOST_CONCURRENT)

    async def find(
        self, certificate_id: CertificateId, url: str, *, issuers: Sequence[x509.Certificate] = ()
    ) -> OcspAnswer:
        """The status of a certificate; `issuers` are known to be its issuer's certificates. Raises StatusError."""
        kept = self._kept.get(certificate_id)
        if kept is not None and kept.end_us > self._clock():
            self._kept.move_to_end(certificate_id)
            return kept
        answer = self._check(certificate_id, await self._ask(certificate_id, url), issuers)
        self._kept[certificate_id] = answer
        self._kept.move_to_end(certificate_id)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return answer

    async def _ask(self, certificate_id: CertificateId, url: str) -> bytes:
        request = ocsp_messages.encode(certificate_id)
        try:
            async with asyncio.timeout(TIMEOUT_S), self._free:
                return await post(url, request, _HEADERS, self._rules.http)
        except UrlError as error:
            raise StatusError(Reason.OCSP_REQUEST_INVALID, f"responder's URL: {error}") from error
        except AddressRefusedError as error:
            raise StatusError(Reason.OCSP_RESPONDER_REFUSED, str(error)) from error
        except NoAnswerError as error:
            raise StatusError(Reason.OCSP_RESPONDER_UNAVAILABLE, str(error)) from error
        except TimeoutError as error:
            message = f"{MOST_CONCURRENT} responders are being asked already: try again later"
            raise StatusError(Reason.OCSP_RESPONDER_UNAVAILABLE, message) from error

    def _check(self, certificate_id: CertificateId, der: bytes, issuers: Sequence[x509.Certificate]) -> OcspAnswer:
        try:
            trusted = [*issuers, *self._rules.trusted]
            return ocsp_messages.check(der, certificate_id, trusted=trusted, now_us=self._clock())
        except InvalidResponseError as error:
            raise StatusError(Reason.OCSP_RESPONSE_INVALID, str(error), is_forged=error.is_forged) from error
