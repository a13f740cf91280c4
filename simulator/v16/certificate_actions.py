"""Certificates of a station and of those that it trusts (security whitepaper, 4.1 and 4.2)."""

from dataclasses import asdict
from typing import Any

from ocpp.v16 import call_result
from ocpp.v16.enums import (
    Action,
    CertificateSignedStatus,
    CertificateStatus,
    DeleteCertificateStatus,
    GetInstalledCertificateStatus,
)

from simulator.certificates import CertificateId, CertificateUse, certificate_id
from simulator.v16.actions import Actions, on


class CertificateActions(Actions):
    """Takes, lists and removes certificates."""

    @on(Action.certificate_signed)
    def on_certificate_signed(self, certificate_chain: str, **_: Any) -> Any:
        """CertificateSigned."""
        accepted = self._station.maintenance.take_certificate(certificate_chain)
        status = CertificateSignedStatus.accepted if accepted else CertificateSignedStatus.rejected
        return call_result.CertificateSigned(status=status)

    @on(Action.install_certificate)
    def on_install_certificate(self, certificate_type: str, certificate: str, **_: Any) -> Any:
        """InstallCertificate."""
        result = self._station.maintenance.install_root(CertificateUse(certificate_type), certificate)
        return call_result.InstallCertificate(status=CertificateStatus(result.value))

    @on(Action.get_installed_certificate_ids)
    def on_get_certificate_ids(self, certificate_type: str, **_: Any) -> Any:
        """GetInstalledCertificateIds."""
        roots = self._station.maintenance.trust.of(CertificateUse(certificate_type))
        if not roots:
            return call_result.GetInstalledCertificateIds(status=GetInstalledCertificateStatus.not_found)
        found = [asdict(certificate_id(root)) for root in roots]
        return call_result.GetInstalledCertificateIds(
            status=GetInstalledCertificateStatus.accepted,
            certificate_hash_data=[{"hash_algorithm": one.pop("algorithm"), **one} for one in found],
        )

    @on(Action.delete_certificate)
    def on_delete_certificate(self, certificate_hash_data: dict[str, Any], **_: Any) -> Any:
        """DeleteCertificate."""
        named = CertificateId(
            algorithm=certificate_hash_data["hash_algorithm"],
            issuer_name_hash=certificate_hash_data["issuer_name_hash"],
            issuer_key_hash=certificate_hash_data["issuer_key_hash"],
            serial_number=certificate_hash_data["serial_number"],
        )
        found = self._station.maintenance.trust.delete(named)
        status = DeleteCertificateStatus.accepted if found else DeleteCertificateStatus.not_found
        return call_result.DeleteCertificate(status=status)
