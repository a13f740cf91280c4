"""Stations' certificates as rows, frozen, free of SQL and of protobuf."""

import json
from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass, field
from enum import IntEnum

from mesh.runtime.errors import MeshError
from station_svc.core.rows import Frame


class RequestState(IntEnum):
    """State of a request for a certificate: csms.station.v1.CertificateRequestState. Numbers are stored."""

    REQUESTED = 1
    SIGNED = 2
    DELIVERED = 3
    REFUSED_BY_STATION = 4
    REJECTED = 5
    FAILED = 6

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self > RequestState.SIGNED


@dataclass(frozen=True, kw_only=True)
class NewRequest:
    """A station's request for a certificate."""

    frame: Frame
    csr: str
    csr_sha256: str
    certificate_type: int


@dataclass(frozen=True, kw_only=True)
class CertificateRequestRow:
    """A request for a certificate. `csr` and `chain` are kept while they are needed, and empty afterwards."""

    frame: Frame
    certificate_type: int
    csr_sha256: str
    csr: str = field(repr=False)
    chain: str = field(repr=False)
    state: RequestState
    reason: str
    serial_number: str
    expire_us: int | None
    update_us: int

    @property
    def key(self) -> tuple[int, str, int, int]:
        """Its place in lists."""
        return self.frame.receive_us, self.frame.station_id, self.frame.epoch, self.frame.ordinal


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A request in its present state, with the names that its station may have in a certificate.

    Certificates that were signed before `issue_from_us` do not prove the station.
    """

    row: CertificateRequestRow
    common_names: Collection[str]
    issue_from_us: int


@dataclass(frozen=True, kw_only=True)
class Signed:
    """The authority's answer to a request: a chain, or why there is none."""

    chain: str = ""
    serial_number: str = ""
    expire_us: int | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class NotYetSigned:
    """The authority of this certificate's use was unavailable: the same request may be signed later."""

    error: MeshError


@dataclass(frozen=True, kw_only=True)
class ChildHashData:
    """A certificate above one that a station reported."""

    hash_algorithm: int
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


def to_text(above: Sequence[ChildHashData]) -> str:
    """Certificates as one column has them: JSON, or nothing."""
    return json.dumps([astuple(one) for one in above]) if above else ""


def from_text(text: str) -> list[ChildHashData]:
    """The certificates that `to_text` wrote."""
    return [
        ChildHashData(hash_algorithm=algorithm, issuer_name_hash=name, issuer_key_hash=key, serial_number=serial)
        for algorithm, name, key, serial in (json.loads(text) if text else ())
    ]


@dataclass(frozen=True, kw_only=True)
class InstalledCertificateRow:
    """A certificate that a station reported. `child_hash_data` has those above it in a chain (`to_text`)."""

    certificate_type: int
    hash_algorithm: int
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str
    update_us: int
    child_hash_data: str = ""

    @property
    def key(self) -> tuple[int, int, str, str, str]:
        """Its key within the station, in the order of lists."""
        return (
            self.certificate_type,
            self.hash_algorithm,
            self.issuer_name_hash,
            self.issuer_key_hash,
            self.serial_number,
        )
