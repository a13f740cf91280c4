"""How stations prove themselves when they connect: by their security profile, the next one too. Pure.

OCPP 1.6 security whitepaper, 2 and 5.1; 2.0.1 part 2, A00 and A05. The decision and its reasons: docs/adr/0046.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import grpc

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.core import digests as credentials
from station_svc.core.digests import StoredCredential
from station_svc.core.own_certificates import is_current, is_outdated
from station_svc.core.profiles import BASIC_OVER_TLS, BY_CERTIFICATE, NO_PROOF, is_named_by
from station_svc.core.serial_numbers import known_serial_numbers
from station_svc.features.credentials.password_checks import Proofs
from station_svc.features.credentials.store import Promotion
from station_svc.ingest.rows import ConnectionAttempt, Unproven

REFUSED = frozenset(
    {
        Reason.WRONG_CREDENTIALS,
        Reason.SECURITY_PROFILE_TOO_LOW,
        Reason.CLIENT_CERTIFICATE_SUBJECT_WRONG,
        Reason.CLIENT_CERTIFICATE_UNTRUSTED,
    }
)
"""Reasons of handshakes that did not prove a station as its security profile asks."""

_NEEDS = {
    BASIC_OVER_TLS: "TLS (wss://): this connection is not encrypted",
    BY_CERTIFICATE: "TLS with the station's own certificate: this connection has none",
}


def refusal_of(attempt: ConnectionAttempt, station: Any, proofs: Proofs) -> MeshError | Unproven | None:
    """The error, or the pending check, of a station's proof; None where it has proven who it is.

    `station` is its row. Until a station has connected by the profile that it was sent, either one is enough.
    """
    present = _proof_by(station.security_profile, attempt, station, proofs)
    following = station.next_security_profile
    if present is None or not following:
        return present
    ahead = _proof_by(following, attempt, station, proofs)
    if ahead is None or isinstance(ahead, Unproven):
        return ahead
    if isinstance(present, MeshError) and following == BY_CERTIFICATE and attempt.certificate is not None:
        return ahead  # the fault of the certificate that it showed
    return present


def confirmed_profile(attempt: ConnectionAttempt, station: Any, proofs: Proofs) -> int:
    """The next profile of a station that is admitted, where this connection is one by that profile; else 0.

    A lower one is not confirmed by a connection by the present one, though that may fulfil it too.
    """
    following: int = station.next_security_profile
    if not following or _proof_by(following, attempt, station, proofs) is not None:
        return 0
    present = station.security_profile
    if following < present and _proof_by(present, attempt, station, proofs) is None:
        return 0
    return following


def promotions(attempts: list[ConnectionAttempt], stations: Mapping[tuple[str, str], Any]) -> Iterator[Promotion]:
    """The stations that connected with a delivered credential."""
    for attempt in attempts:
        station = stations[attempt.station]
        handed = credentials.from_text(station.next_credentials)
        for number, one in enumerate(handed, 1):
            if _presents(attempt, one):
                yield Promotion(
                    tenant_id=station.tenant_id,
                    station_id=attempt.station_id,
                    credential=one,
                    left=handed[number:],
                )


def _proof_by(profile: int, attempt: ConnectionAttempt, station: Any, proofs: Proofs) -> MeshError | Unproven | None:
    """Whether an attempt proves its station by one profile: None where it does."""
    if profile == NO_PROOF:
        return None
    is_encrypted = attempt.tls is not None
    if profile >= BASIC_OVER_TLS and (not is_encrypted or (profile == BY_CERTIFICATE and not attempt.certificate)):
        return MeshError(
            grpc.StatusCode.UNAUTHENTICATED,
            Reason.SECURITY_PROFILE_TOO_LOW,
            f"station {attempt.station_id} has security profile {profile}, which needs {_NEEDS[profile]}",
        )
    if profile == BY_CERTIFICATE:
        return _certificate_refusal(attempt, station)
    return _credential_refusal(attempt, station, proofs)


def _certificate_refusal(attempt: ConnectionAttempt, station: Any) -> MeshError | None:
    certificate = attempt.certificate
    assert certificate is not None  # noqa: S101 - checked by the caller
    if is_outdated(certificate.issue_us, station):
        return MeshError(
            grpc.StatusCode.UNAUTHENTICATED,
            Reason.CLIENT_CERTIFICATE_UNTRUSTED,
            f"the certificate was signed before station {attempt.station_id} was added, had its present serial number "
            "or had to prove itself: it needs a new one",
        )
    if is_named_by(
        certificate.common_name,
        station_id=attempt.station_id,
        serial_numbers=known_serial_numbers(station),
        is_signed_here=is_current(certificate.issue_us, station),
    ):
        return None
    return MeshError(
        grpc.StatusCode.UNAUTHENTICATED,
        Reason.CLIENT_CERTIFICATE_SUBJECT_WRONG,
        _wrong_name(certificate.common_name, attempt.station_id),
    )


def _credential_refusal(attempt: ConnectionAttempt, station: Any, proofs: Proofs) -> MeshError | Unproven | None:
    current = StoredCredential(salt=station.credential_salt, digest=station.credential_digest)
    if any(_presents(attempt, one) for one in (current, *credentials.from_text(station.next_credentials))):
        return None
    if current.is_slow and _is_named(attempt):
        known = proofs.known(current, attempt.credential)
        if known is not False:
            return None if known else Unproven(credential=current)
    return MeshError(
        grpc.StatusCode.UNAUTHENTICATED,
        Reason.WRONG_CREDENTIALS,
        f"station {attempt.station_id} did not prove who it is",
    )


def _presents(attempt: ConnectionAttempt, stored: StoredCredential) -> bool:
    return _is_named(attempt) and credentials.matches(stored, attempt.credential)


def _is_named(attempt: ConnectionAttempt) -> bool:
    return attempt.username in {"", attempt.station_id}


def _wrong_name(common_name: str, station_id: str) -> str:
    """The text of a certificate that names no station, or another one."""
    if not common_name:  # auth_svc gives none where there are several
        return (
            f"the certificate has no common name, or several; it needs one, the serial number of station {station_id}"
        )
    return f"the certificate names {common_name[:100]!r}, which is not the serial number of station {station_id}"
