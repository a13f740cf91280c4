"""Certificates that stations showed in TLS handshakes: read, their path found, and checked. Pure: no I/O.

OCPP 2.0.1 part 2, A00.FR.403 to .405; OCPP 1.6 security whitepaper, 4.2.3; paths by RFC 5280, 6.1, without policies
and name constraints: a path that has such constraints, critical, is not trusted.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import grpc
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from auth_svc.ocsp_messages import is_issued_by
from auth_svc.signing_requests import has_strong_key
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import to_datetime

# Certificates that a station shows above its own. A path has one more at most: the authority that is trusted.
MOST_INTERMEDIATES = 4
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)
_CLIENTS = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The certificates of a handshake."""

    certificate: x509.Certificate
    intermediates: Sequence[x509.Certificate]


@dataclass(frozen=True, kw_only=True)
class Path:
    """From a station's certificate up to an authority that is trusted.

    `is_ours`: that authority is one that auth_svc signs with, or signed with before; else it is of another party.
    """

    certificates: Sequence[x509.Certificate]
    is_ours: bool


def read(certificate: bytes, intermediates: Sequence[bytes]) -> Shown:
    """The certificates of a handshake, each in DER. Raises MeshError CLIENT_CERTIFICATE_UNREADABLE."""
    if len(intermediates) > MOST_INTERMEDIATES:
        raise refused(
            Reason.CLIENT_CERTIFICATE_UNREADABLE, f"there are more than {MOST_INTERMEDIATES} certificates above it"
        )
    try:
        above = [_load(der) for der in intermediates]
        shown = Shown(certificate=_load(certificate), intermediates=[one for one in above if not _is_root(one)])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise refused(Reason.CLIENT_CERTIFICATE_UNREADABLE, "it cannot be read as X.509 in DER") from error
    return shown


def find_path(
    shown: Shown, *, ours: Collection[x509.Certificate], others: Collection[x509.Certificate], now_us: int
) -> Path:
    """The path to an authority, one of `ours` before one of another party.

    Raises MeshError CLIENT_CERTIFICATE_UNTRUSTED.
    """
    for trusted, is_ours in ((ours, True), (others, False)):
        path = _climb([shown.certificate], shown.intermediates, trusted, now_us)
        if path:
            return Path(certificates=path, is_ours=is_ours)
    for one in (shown.certificate, *shown.intermediates):
        unknown = _unknown_critical(one)
        if unknown:
            raise refused(
                Reason.CLIENT_CERTIFICATE_UNTRUSTED,
                f"{_name(one)} has an extension that is critical and not known here: {unknown[0]}",
            )
    raise refused(
        Reason.CLIENT_CERTIFICATE_UNTRUSTED,
        f"its path does not lead to an authority that is trusted here; its issuer is {issuer_of(shown.certificate)!r}",
    )


def check(path: Path, *, organization: str | None, now_us: int) -> None:
    """Checks key, use, dates and organization along a path. `organization` None: any.

    Raises MeshError CLIENT_CERTIFICATE_KEY_WEAK, _NOT_FOR_CLIENTS, _NOT_YET_VALID, _EXPIRED or _ORGANIZATION_WRONG.
    """
    certificate = path.certificates[0]
    _check_strength(path)
    _check_use(certificate)
    _check_dates(path, now_us)
    named = [str(part.value) for part in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    if organization is not None and named != [organization]:
        raise refused(Reason.CLIENT_CERTIFICATE_ORGANIZATION_WRONG, f"its organization is not {organization!r}")


def common_name(certificate: x509.Certificate) -> str:
    """The common name of its subject; empty where it has none, or several: then it names no one station."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else ""


def issuer_of(certificate: x509.Certificate) -> str:
    """The name of its issuer, RFC 4514."""
    return certificate.issuer.rfc4514_string()


def refused(reason: Reason, message: str) -> MeshError:
    """UNAUTHENTICATED: the certificate proves nothing."""
    return MeshError(grpc.StatusCode.UNAUTHENTICATED, reason, f"the station's certificate: {message}")


def _load(der: bytes) -> x509.Certificate:
    """A certificate whose extensions and names can be read. Raises ValueError or UnsupportedAlgorithm."""
    certificate = x509.load_der_x509_certificate(der)
    _ = certificate.extensions, certificate.subject, certificate.issuer
    return certificate


def _is_root(certificate: x509.Certificate) -> bool:
    return certificate.subject == certificate.issuer


def _climb(
    below: list[x509.Certificate],
    intermediates: Sequence[x509.Certificate],
    trusted: Collection[x509.Certificate],
    now_us: int,
) -> list[x509.Certificate] | None:
    """The rest of a path: first by what is trusted, then by each intermediate that may be the next."""
    top = below[-1]
    for authority in _valid_first(trusted, now_us):
        if _is_above(authority, top, len(below) - 1):
            return [*below, authority]
    for one in _valid_first(intermediates, now_us):
        if one not in below and _is_above(one, top, len(below) - 1):
            path = _climb([*below, one], intermediates, trusted, now_us)
            if path:
                return path
    return None


def _valid_first(certificates: Iterable[x509.Certificate], now_us: int) -> list[x509.Certificate]:
    """An authority may have been renewed with the same name and key: the valid certificate makes the path."""
    now = to_datetime(now_us)
    return sorted(certificates, key=lambda one: not one.not_valid_before_utc <= now < one.not_valid_after_utc)


def _is_above(authority: x509.Certificate, certificate: x509.Certificate, intermediates: int) -> bool:
    """Whether it issued a certificate, and may have so many intermediates between it and the station's."""
    if authority.subject != certificate.issuer or not _may_certify(authority, intermediates):
        return False
    return not _unknown_critical(certificate) and is_issued_by(certificate, authority)


def _may_certify(authority: x509.Certificate, intermediates: int) -> bool:
    try:
        constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    if not constraints.ca or (constraints.path_length is not None and intermediates > constraints.path_length):
        return False
    try:
        return authority.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return True


def _unknown_critical(certificate: x509.Certificate) -> list[str]:
    """The numbers (OID) of critical extensions that are not understood here: RFC 5280, 4.2."""
    return [one.oid.dotted_string for one in certificate.extensions if one.critical and one.oid not in _UNDERSTOOD]


def _check_strength(path: Path) -> None:
    for certificate in path.certificates:
        if not has_strong_key(certificate):
            raise refused(Reason.CLIENT_CERTIFICATE_KEY_WEAK, f"the key of {_name(certificate)} is too short")
    for certificate in path.certificates[:-1]:  # nobody verifies the signature of an authority that is trusted itself
        key_algorithm = certificate.signature_hash_algorithm
        if key_algorithm is not None and not isinstance(key_algorithm, _HASHES):
            raise refused(
                Reason.CLIENT_CERTIFICATE_KEY_WEAK, f"{_name(certificate)} is signed with a hash weaker than SHA-256"
            )


def _check_use(certificate: x509.Certificate) -> None:
    """For a TLS client by its extensions, where it has them, and no authority itself."""
    wrong = refused(Reason.CLIENT_CERTIFICATE_NOT_FOR_CLIENTS, "it is not made for a TLS client")
    for extension in certificate.extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints) and value.ca:
            raise refused(Reason.CLIENT_CERTIFICATE_NOT_FOR_CLIENTS, "it is one of an authority")
        if isinstance(value, x509.ExtendedKeyUsage) and not any(use in value for use in _CLIENTS):
            raise wrong
        if isinstance(value, x509.KeyUsage) and not value.digital_signature:
            raise wrong


def _check_dates(path: Path, now_us: int) -> None:
    now = to_datetime(now_us)
    for certificate in path.certificates:
        if now >= certificate.not_valid_after_utc:
            raise refused(
                Reason.CLIENT_CERTIFICATE_EXPIRED,
                f"{_name(certificate)} expired at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
            )
        if now < certificate.not_valid_before_utc:
            raise refused(
                Reason.CLIENT_CERTIFICATE_NOT_YET_VALID,
                f"{_name(certificate)} is valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on",
            )


def _name(certificate: x509.Certificate) -> str:
    return f"certificate {certificate.serial_number:X}"
