"""Whether certificates of other parties' authorities are revoked: by OCSP, or by revocation lists that are kept.

The certificates name responder and list. Authorities that an operator trusts have signed them, and HttpRules bound
whom they can have asked.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from cryptography import x509
from cryptography.x509 import ocsp

from auth_svc.authority import fingerprint
from auth_svc.certificate_statuses import CertificateStatuses, StatusError
from auth_svc.client_certificates import Path, refused
from auth_svc.foreign_lists import InvalidListError, RevocationList, list_urls, read_list, responder_url
from auth_svc.ocsp_messages import id_of
from auth_svc.outbound_http import AddressRefusedError, HttpRules, NoAnswerError, UrlError, get
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import unavailable
from mesh.runtime.logs import get_logger
from mesh.runtime.times import SECOND_US, Clock

log = get_logger(__name__)

MOST_LISTS = 16
MOST_LIST_BYTES = 4 * 1024 * 1024
# A gateway gives up an attempt after five seconds.
TIMEOUT_S = 4.0
# A responder or list that was not there is not asked for again so soon: a fleet that comes back would ask at once.
FAILURE_KEPT_US = 10 * SECOND_US
_MOST_FAILURES = 256
_HEADERS = {"Accept": "application/pkix-crl"}


class RevocationRule(StrEnum):
    """How strictly revocation is checked; the values are those of CSMS_CLIENT_REVOCATION.

    NAMED: a certificate that names a responder or a list holds only if one of them says so. SOFT: it holds also where
    they say nothing. ALWAYS: one that names neither does not hold.
    """

    NAMED = "named"
    SOFT = "soft"
    ALWAYS = "always"


@dataclass(frozen=True, kw_only=True)
class ClientRules:
    """Authorities of other parties whose certificates prove stations, and how their revocation is checked."""

    outside: Sequence[x509.Certificate] = ()
    revocation: RevocationRule = RevocationRule.NAMED


class _UnknownError(Exception):
    """Neither responder nor list says whether a certificate is revoked."""


class OutsideRevocations:
    """Finds revocations. Each replica keeps lists and responses of its own."""

    def __init__(self, *, clock: Clock, rule: RevocationRule, http: HttpRules, statuses: CertificateStatuses) -> None:
        self._clock = clock
        self._rule = rule
        self._http = replace(http, most_bytes=MOST_LIST_BYTES)
        self._statuses = statuses
        self._lists: OrderedDict[tuple[str, str], RevocationList] = OrderedDict()
        self._failures: OrderedDict[str, int] = OrderedDict()  # URLs, and when each failed
        self._loading = asyncio.Lock()

    async def check(self, path: Path) -> None:
        """Checks each certificate of a path below its authority.

        Raises MeshError CLIENT_CERTIFICATE_REVOKED or REVOCATION_UNKNOWN.
        """
        pairs = list(pairwise(path.certificates))
        try:
            async with asyncio.timeout(TIMEOUT_S):
                revoked = await asyncio.gather(*(self._is_revoked(lower, upper) for lower, upper in pairs))
        except (_UnknownError, TimeoutError) as error:
            text = str(error) or "responder and list did not answer in time"
            if self._rule is not RevocationRule.SOFT:
                raise unavailable(Reason.REVOCATION_UNKNOWN, f"the station's certificate: {text}") from error
            log.warning("revocation of a certificate not known: let in", why=text)
            return
        for (lower, _upper), is_revoked in zip(pairs, revoked, strict=True):
            if is_revoked:
                number = f"{lower.serial_number:X}"
                raise refused(Reason.CLIENT_CERTIFICATE_REVOKED, f"certificate {number} is revoked by its issuer")

    async def _is_revoked(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        url, lists = responder_url(certificate), list_urls(certificate)
        number = f"certificate {certificate.serial_number:X}"
        if not url and not lists:
            if self._rule is RevocationRule.ALWAYS:
                raise _UnknownError(f"{number} names neither an OCSP responder nor a revocation list")
            return False
        faults = []
        for source in (url, *lists):
            if not source:
                continue
            try:
                if source == url:
                    return await self._by_ocsp(certificate, issuer, url)
                return (await self._list(source, issuer)).has(certificate)
            except _UnknownError as error:
                faults.append(str(error))
        raise _UnknownError(f"{number}: {'; '.join(faults)}")

    async def _by_ocsp(self, certificate: x509.Certificate, issuer: x509.Certificate, url: str) -> bool:
        self._expect_no_failure(url)
        try:
            answer = await self._statuses.find(id_of(certificate, issuer), url, issuers=[issuer])
        except StatusError as error:
            self._note_failure(url)
            raise _UnknownError(str(error)) from error
        if answer.status is ocsp.OCSPCertStatus.UNKNOWN:
            raise _UnknownError("its responder does not know it")
        return answer.status is ocsp.OCSPCertStatus.REVOKED

    async def _list(self, url: str, issuer: x509.Certificate) -> RevocationList:
        """The list of an issuer, kept until its end."""
        key = (url, fingerprint(issuer))
        async with self._loading:  # one after the other: stations of one authority wait for the same list
            kept = self._lists.get(key)
            if kept is not None and kept.end_us > self._clock():
                self._lists.move_to_end(key)
                return kept
            self._expect_no_failure(url)
            try:
                data = await get(url, _HEADERS, self._http)
                found = await asyncio.to_thread(read_list, data, issuer, now_us=self._clock())
            except (UrlError, AddressRefusedError, NoAnswerError, InvalidListError) as error:
                self._note_failure(url)
                raise _UnknownError(f"its revocation list: {error}") from error
            self._lists[key] = found
            while len(self._lists) > MOST_LISTS:
                self._lists.popitem(last=False)
            return found

    def _expect_no_failure(self, url: str) -> None:
        failed_us = self._failures.get(url)
        if failed_us is not None and 0 <= self._clock() - failed_us < FAILURE_KEPT_US:
            raise _UnknownError("its responder or list failed a moment ago")

    def _note_failure(self, url: str) -> None:
        self._failures[url] = self._clock()
        self._failures.move_to_end(url)
        while len(self._failures) > _MOST_FAILURES:
            self._failures.popitem(last=False)
