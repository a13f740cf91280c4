"""Revocation lists of other parties (RFC 5280, 5 and 6.3): found in certificates, read, checked. Pure: no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID

from mesh.runtime.times import DAY_US, SECOND_US, from_datetime

# The clocks of authorities may be ahead of ours by so much.
_SKEW_US = 300 * SECOND_US
# A list without nextUpdate, which RFC 5280 forbids, holds for so long at most.
_WITHOUT_END_US = DAY_US
_MOST_URLS = 2


class InvalidListError(Exception):
    """The revocation list cannot be used."""


@dataclass(frozen=True, kw_only=True)
class RevocationList:
    """A list that was checked. It holds until `end_us`."""

    crl: x509.CertificateRevocationList
    end_us: int

    def has(self, certificate: x509.Certificate) -> bool:
        """Whether a certificate of its issuer is revoked."""
        return self.crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None


def responder_url(certificate: x509.Certificate) -> str:
    """The URL of its OCSP responder (RFC 5280, 4.2.2.1); empty where it names none."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return ""
    ocsp = AuthorityInformationAccessOID.OCSP
    found = (_url(one.access_location) for one in access if one.access_method == ocsp)
    return next((url for url in found if url), "")


def list_urls(certificate: x509.Certificate) -> Sequence[str]:
    """The URLs of the list that it would be in (RFC 5280, 4.2.1.13), by http; at most two."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    whole = [point for point in points if not point.reasons and not point.crl_issuer]
    urls = [_url(one) for point in whole for one in point.full_name or ()]
    return [url for url in urls if url.lower().startswith(("http://", "https://"))][:_MOST_URLS]


def read_list(data: bytes, issuer: x509.Certificate, *, now_us: int) -> RevocationList:
    """The list, DER or PEM, if the issuer signed it, it is of now, and about all of its certificates.

    Raises InvalidListError.
    """
    try:
        load = x509.load_pem_x509_crl if data.startswith(b"-----BEGIN") else x509.load_der_x509_crl
        crl = load(data)
        if crl.issuer != issuer.subject or not _may_sign(issuer) or not _is_signed_by(crl, issuer):
            raise InvalidListError("it is not signed by the issuer of the certificate")
        if any(_limits(extension) for extension in crl.extensions):
            raise InvalidListError("it is about a part of the certificates only")
        end_us = _end_us(crl, now_us)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidListError("it cannot be read") from error
    return RevocationList(crl=crl, end_us=end_us)


def _url(name: x509.GeneralName) -> str:
    return name.value if isinstance(name, x509.UniformResourceIdentifier) else ""


def _may_sign(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def _is_signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        return False
    try:
        return crl.is_signature_valid(key)
    except (InvalidSignature, TypeError):
        return False


def _limits(extension: x509.Extension[x509.ExtensionType]) -> bool:
    """Whether an extension makes the list one of some certificates, or of those of other authorities."""
    value = extension.value
    if isinstance(value, x509.IssuingDistributionPoint):
        return bool(
            value.indirect_crl
            or value.only_some_reasons
            or value.only_contains_attribute_certs
            or value.only_contains_ca_certs
            or value.only_contains_user_certs
        )
    return isinstance(value, x509.DeltaCRLIndicator) or extension.critical


def _end_us(crl: x509.CertificateRevocationList, now_us: int) -> int:
    begin_us = from_datetime(crl.last_update_utc)
    if begin_us > now_us + _SKEW_US:
        raise InvalidListError("it is of a time that has not come")
    end_us = begin_us + _WITHOUT_END_US if crl.next_update_utc is None else from_datetime(crl.next_update_utc)
    if end_us <= now_us:
        raise InvalidListError("it is out of date")
    return end_us
