"""Contract certificates of drivers (ISO 15118): path, dates, and the OCSP status of each link.

OCPP 2.0.1 part 2, C07. A station that has the root has checked the path, and sends the hashes of the chain (C07.FR.05:
their status is verified here); one that has not sends the chain, which is checked whole (C07.FR.06).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID
from csms.common.v1 import certificate_pb2 as pb

from auth_svc.certificate_statuses import CertificateStatuses, StatusError
from auth_svc.foreign_lists import responder_url
from auth_svc.ocsp_messages import CertificateId, id_of, is_issued_by
from mesh.contract.id_tokens import match_key
from mesh.runtime.times import Clock, to_datetime

Status: TypeAlias = pb.AuthorizeCertificateStatus.ValueType

_ACCEPTED = pb.AUTHORIZE_CERTIFICATE_STATUS_ACCEPTED
_SIGNATURE = pb.AUTHORIZE_CERTIFICATE_STATUS_SIGNATURE_ERROR
_EXPIRED = pb.AUTHORIZE_CERTIFICATE_STATUS_CERTIFICATE_EXPIRED
_REVOKED = pb.AUTHORIZE_CERTIFICATE_STATUS_CERTIFICATE_REVOKED
_NOTHING = pb.AUTHORIZE_CERTIFICATE_STATUS_NO_CERTIFICATE_AVAILABLE
_CHAIN = pb.AUTHORIZE_CERTIFICATE_STATUS_CERT_CHAIN_ERROR
# Of several faults the one that says most.
_GRAVEST_FIRST = (_REVOKED, _SIGNATURE, _EXPIRED, _CHAIN, _NOTHING)
_MOST_LINKS = 4


class NotAcceptedError(Exception):
    """The certificate does not hold."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Link:
    """A certificate to find the status of, and its responder's URL; empty where none is known."""

    certificate_id: CertificateId
    url: str


class ContractCertificates:
    """Checks them. `trusted` are the roots of mobility operators and vehicle-to-grid, and certificates below them."""

    def __init__(self, *, statuses: CertificateStatuses, trusted: Sequence[x509.Certificate], clock: Clock) -> None:
        self._statuses = statuses
        self._trusted = trusted
        self._clock = clock

    async def check(self, *, contract_id: str, links: Sequence[Link], chain: str) -> None:
        """Checks one. Raises NotAcceptedError.

        `links` are those that the station sent; `chain` is in PEM, or empty.
        """
        to_ask = list(links)
        if chain:
            urls = {link.certificate_id.serial_number: link.url for link in links}
            to_ask = self._check_path(contract_id, _read(chain), urls)
        if not to_ask:
            raise NotAcceptedError(_NOTHING, "neither a chain nor hashes of certificates came with it")
        faults = await asyncio.gather(*(self._fault(link) for link in to_ask))
        found = [fault for fault in faults if fault is not None]
        if found:
            raise min(found, key=lambda fault: _GRAVEST_FIRST.index(fault.status))

    def _check_path(self, contract_id: str, chain: Sequence[x509.Certificate], urls: Mapping[int, str]) -> list[Link]:
        """Checks the path to a trusted certificate; returns the links to ask about, all below that one."""
        if not self._trusted:
            raise NotAcceptedError(_NOTHING, "CSMS_TRUSTED_CERTIFICATES_FILE is not set: no root is trusted")
        path = self._path(chain)
        now = to_datetime(self._clock())
        for one in path:
            if not one.not_valid_before_utc <= now < one.not_valid_after_utc:
                raise NotAcceptedError(_EXPIRED, f"{_name(one)} is not valid now")
        if match_key(_common_name(path[0])) != match_key(contract_id):
            raise NotAcceptedError(_CHAIN, "the certificate is of another contract than the id token")
        return [
            Link(certificate_id=id_of(lower, upper), url=responder_url(lower) or urls.get(lower.serial_number, ""))
            for lower, upper in pairwise(path)
        ]

    def _path(self, chain: Sequence[x509.Certificate]) -> list[x509.Certificate]:
        """From the contract certificate up to one that is trusted."""
        path = [chain[0]]
        if _may_certify(chain[0]):
            raise NotAcceptedError(_CHAIN, "the first certificate is of an authority, and no contract")
        while path[-1] not in self._trusted or len(path) == 1:
            if len(path) > _MOST_LINKS:
                raise NotAcceptedError(_CHAIN, f"the path has more than {_MOST_LINKS} links")
            path.append(_issuer(path[-1], [*self._trusted, *chain[1:]]))
        return path

    async def _fault(self, link: Link) -> NotAcceptedError | None:
        """The reason for which a link does not hold; None where it does."""
        number = f"{link.certificate_id.serial_number:X}"
        if not link.url:
            return NotAcceptedError(_NOTHING, f"certificate {number} names no OCSP responder")
        try:
            answer = await self._statuses.find(link.certificate_id, link.url)
        except StatusError as error:
            return NotAcceptedError(_SIGNATURE if error.is_forged else _NOTHING, f"certificate {number}: {error}")
        if answer.status is ocsp.OCSPCertStatus.REVOKED:
            return NotAcceptedError(_REVOKED, f"certificate {number} is revoked")
        if answer.status is not ocsp.OCSPCertStatus.GOOD:
            return NotAcceptedError(_CHAIN, f"its responder does not know certificate {number}")
        return None


def _read(chain: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(chain.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NotAcceptedError(_CHAIN, "the chain is no certificate in PEM") from error


def _issuer(certificate: x509.Certificate, known: Sequence[x509.Certificate]) -> x509.Certificate:
    named = [one for one in known if one.subject == certificate.issuer and one != certificate and _may_certify(one)]
    for one in named:
        if is_issued_by(certificate, one):
            return one
    if named:
        raise NotAcceptedError(_SIGNATURE, f"{_name(certificate)} is not signed by its issuer")
    raise NotAcceptedError(_CHAIN, f"the issuer of {_name(certificate)} is not known")


def _may_certify(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _name(certificate: x509.Certificate) -> str:
    return f"certificate {certificate.serial_number:X}"
