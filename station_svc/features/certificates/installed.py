"""Stores the certificates in stations' answers."""

from collections.abc import Collection
from dataclasses import asdict, replace

from csms.station.v1 import certificate_pb2
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.contract.texts import without_nul
from mesh.runtime.errors import MeshError
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.rows import NewCommand
from station_svc.features.certificates import installed_store as store
from station_svc.features.certificates.root_hashes import read_root
from station_svc.features.certificates.rows import ChildHashData, InstalledCertificateRow, to_text

# The kinds of reports have the same words as the uses of roots.
_KINDS = {
    number: certificate_pb2.GetCertificateIdUse.Value(
        certificate_pb2.InstallCertificateUse.Name(number).replace("INSTALL_CERTIFICATE_USE", "GET_CERTIFICATE_ID_USE")
    )
    for number in certificate_pb2.InstallCertificateUse.values()
}
_GONE = frozenset(
    {certificate_pb2.DELETE_CERTIFICATE_STATUS_ACCEPTED, certificate_pb2.DELETE_CERTIFICATE_STATUS_NOT_FOUND}
)


class RememberCertificates(CommandHooks):
    """Stores the certificates that a station reported, in place of those of these kinds that it reported before."""

    def __init__(self, kinds: Collection[int]) -> None:
        self._kinds = kinds

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """See CommandHooks."""
        if isinstance(outcome, certificate_pb2.GetInstalledCertificateIdsResponse):
            store.remember(
                connection,
                tenant_id=new.tenant_id,
                station_id=new.station_id,
                kinds=self._kinds,
                certificates=[_to_chain(one, now_us) for one in outcome.certificate_hash_data_chains],
            )


class RememberInstalled(CommandHooks):
    """Stores a root that a station accepted, beside those that it reported, until it reports that kind again.

    It is named by SHA-256, as most stations name theirs. A root whose key gives no such name is not stored.
    """

    def __init__(self, sent: certificate_pb2.InstallCertificateRequest) -> None:
        self._kind = _KINDS.get(sent.certificate_type, 0)
        self._certificate = sent.certificate

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """See CommandHooks."""
        if not isinstance(outcome, certificate_pb2.InstallCertificateResponse):
            return
        if outcome.status != certificate_pb2.INSTALL_CERTIFICATE_STATUS_ACCEPTED or not self._kind:
            return
        try:
            root = read_root(self._certificate, "certificate", now_us)
        except MeshError:
            return
        row = InstalledCertificateRow(certificate_type=self._kind, update_us=now_us, **asdict(root.hashes[0]))
        store.add(connection, tenant_id=new.tenant_id, station_id=new.station_id, certificates=[row])


class ForgetCertificate(CommandHooks):
    """A certificate that the station removed, or does not have, is listed no more."""

    def __init__(self, data: certificate_pb2.CertificateHashData) -> None:
        self._data = data

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """See CommandHooks."""
        if isinstance(outcome, certificate_pb2.DeleteCertificateResponse) and outcome.status in _GONE:
            certificate = to_installed(self._data, 0, now_us)
            store.forget(connection, tenant_id=new.tenant_id, station_id=new.station_id, certificate=certificate)


def _to_chain(chain: certificate_pb2.CertificateHashDataChain, now_us: int) -> InstalledCertificateRow:
    row = to_installed(chain.certificate_hash_data, chain.certificate_type, now_us)
    above = [
        ChildHashData(
            hash_algorithm=data.hash_algorithm,
            issuer_name_hash=without_nul(data.issuer_name_hash),
            issuer_key_hash=without_nul(data.issuer_key_hash),
            serial_number=without_nul(data.serial_number),
        )
        for data in chain.child_certificate_hash_data
    ]
    return replace(row, child_hash_data=to_text(above))


def to_installed(data: certificate_pb2.CertificateHashData, kind: int, now_us: int) -> InstalledCertificateRow:
    """The row of a certificate that a station reported. Its texts are hexadecimal, which has no NUL."""
    return InstalledCertificateRow(
        certificate_type=kind,
        hash_algorithm=data.hash_algorithm,
        issuer_name_hash=without_nul(data.issuer_name_hash),
        issuer_key_hash=without_nul(data.issuer_key_hash),
        serial_number=without_nul(data.serial_number),
        update_us=now_us,
    )
