"""Checks of the certificates that stations showed in TLS handshakes, with what the database and others say of them.

A certificate of an authority of our own has to be recorded as issued to that station of that tenant: the authority
signs for all tenants. One of another party's authority proves its common name alone, and others compare that.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from cryptography import x509

from auth_svc import certificate_store as store
from auth_svc import client_certificates
from auth_svc.authority import fingerprint
from auth_svc.certificate_store import Issued
from auth_svc.client_certificates import Path, refused
from auth_svc.outside_revocations import ClientRules, OutsideRevocations
from auth_svc.own_authorities import OwnAuthorities
from mesh.database.engine import Database
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import Clock, from_datetime


@dataclass(frozen=True, kw_only=True)
class ShownCertificate:
    """The certificates of a handshake in the name of a station, each in DER."""

    tenant_id: str
    station_id: str
    certificate: bytes
    intermediates: Sequence[bytes]


@dataclass(frozen=True, kw_only=True)
class CheckedCertificate:
    """A certificate, and the error that it has; None where it is unreadable, or where it is valid.

    `issue_us`: when it was signed here, by the records; None where another party's authority signed it.
    """

    certificate: x509.Certificate | None
    error: MeshError | None
    issue_us: int | None = None


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A path that holds as far as the certificates themselves say."""

    path: Path
    fingerprint: str


class ClientChecks:
    """Checks certificates. `organization` is what their O must be; None: anything."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        authorities: OwnAuthorities,
        rules: ClientRules,
        organization: str | None,
        revocations: OutsideRevocations,
    ) -> None:
        self._database = database
        self._clock = clock
        self._authorities = authorities
        self._rules = rules
        self._organization = organization
        self._revocations = revocations

    async def trusted(self) -> Sequence[x509.Certificate]:
        """The certificates of all authorities, without those that have expired, each once."""
        now_us = self._clock()
        known = dict.fromkeys([*await self._authorities.certificates(), *self._rules.outside])
        return [one for one in known if from_datetime(one.not_valid_after_utc) > now_us]

    async def check(self, shown: Sequence[ShownCertificate]) -> list[CheckedCertificate]:
        """The result of each, in their order."""
        ours = await self._authorities.certificates()
        read = await asyncio.to_thread(lambda: [self._read(one, ours) for one in shown])
        fingerprints = {found.fingerprint for _certificate, found in read if isinstance(found, _Found)}
        issued: Mapping[str, Issued] = {}
        if fingerprints:
            issued = await self._database.read(partial(store.find_by_fingerprint, fingerprints=fingerprints))
        errors = await asyncio.gather(
            *(
                self._error(one, found, issued.get(found.fingerprint)) if isinstance(found, _Found) else _given(found)
                for one, (_certificate, found) in zip(shown, read, strict=True)
            )
        )
        return [
            CheckedCertificate(certificate=certificate, error=error, issue_us=_issue_us(found, issued))
            for (certificate, found), error in zip(read, errors, strict=True)
        ]

    def _read(
        self, one: ShownCertificate, ours: Sequence[x509.Certificate]
    ) -> tuple[x509.Certificate | None, _Found | MeshError]:
        """The certificate, and its path as far as certificates alone say, or why there is none."""
        now_us = self._clock()
        try:
            shown = client_certificates.read(one.certificate, one.intermediates)
        except MeshError as error:
            return None, error
        try:
            path = client_certificates.find_path(shown, ours=ours, others=self._rules.outside, now_us=now_us)
            client_certificates.check(path, organization=self._organization, now_us=now_us)
        except MeshError as error:
            return shown.certificate, error
        return shown.certificate, _Found(path=path, fingerprint=fingerprint(shown.certificate))

    async def _error(self, shown: ShownCertificate, found: _Found, issued: Issued | None) -> MeshError | None:
        """The fault that our records show, or the authority of another party."""
        if issued is not None:
            if (issued.tenant_id, issued.station_id) != (shown.tenant_id, shown.station_id):
                return refused(Reason.CLIENT_CERTIFICATE_UNTRUSTED, "it was issued to another station")
            if issued.revoke_us is not None:
                return refused(Reason.CLIENT_CERTIFICATE_REVOKED, f"certificate {issued.serial_number} is revoked")
        elif found.path.is_ours and found.path.certificates[-1] not in self._rules.outside:
            return refused(Reason.CLIENT_CERTIFICATE_UNTRUSTED, "there is no record that it was issued here")
        if issued is not None and found.path.is_ours:
            return None
        try:
            await self._revocations.check(found.path)
        except MeshError as error:
            return error
        return None


def _issue_us(found: _Found | MeshError, issued: Mapping[str, Issued]) -> int | None:
    record = issued.get(found.fingerprint) if isinstance(found, _Found) else None
    return None if record is None else record.create_us


async def _given(error: MeshError) -> MeshError:
    return error
