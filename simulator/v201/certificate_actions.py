"""Certificates of a station and of those that it trusts (OCPP 2.0.1, A02, M03 to M05)."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ocpp.v201 import call_result
from ocpp.v201.enums import Action

from simulator.certificates import CertificateId, CertificateUse, certificate_id
from simulator.v201.actions import Actions, on
from simulator.v201.holdings import Words

_USES = {
    "CSMSRootCertificate": CertificateUse.CENTRAL_SYSTEM,
    "ManufacturerRootCertificate": CertificateUse.MANUFACTURER,
}


class CertificateActions(Actions):
    """Takes, lists and removes certificates. It has no ISO 15118, and so takes none for it."""

    @on(Action.certificate_signed)
    def on_certificate_signed(self, certificate_chain: str, certificate_type: str | None = None, **_: Any) -> Any:
        """CertificateSigned."""
        fits = certificate_type in (None, "ChargingStationCertificate")
        accepted = fits and self._station.maintenance.take_certificate(certificate_chain)
        return call_result.CertificateSigned(status="Accepted" if accepted else "Rejected")

    @on(Action.install_certificate)
    def on_install_certificate(self, certificate_type: str, certificate: str, **_: Any) -> Any:
        """InstallCertificate."""
        use = _USES.get(certificate_type)
        if use is None:
            return call_result.InstallCertificate(status="Rejected")
        return call_result.InstallCertificate(status=self._station.maintenance.install_root(use, certificate).value)

    @on(Action.get_installed_certificate_ids)
    def on_get_certificate_ids(self, certificate_type: Sequence[str] = (), **_: Any) -> Any:
        """GetInstalledCertificateIds: of all types where none is named."""
        chains = [
            {"certificate_type": word, "certificate_hash_data": _hash_data(certificate_id(root))}
            for word, use in _USES.items()
            if not certificate_type or word in certificate_type
            for root in self._station.maintenance.trust.of(use)
        ]
        return call_result.GetInstalledCertificateIds(
            status="Accepted" if chains else "NotFound", certificate_hash_data_chain=chains or None
        )

    @on(Action.delete_certificate)
    def on_delete_certificate(self, certificate_hash_data: Words, **_: Any) -> Any:
        """DeleteCertificate."""
        named = CertificateId(
            algorithm=certificate_hash_data["hash_algorithm"],
            issuer_name_hash=certificate_hash_data["issuer_name_hash"],
            issuer_key_hash=certificate_hash_data["issuer_key_hash"],
            serial_number=certificate_hash_data["serial_number"],
        )
        found = self._station.maintenance.trust.delete(named)
        return call_result.DeleteCertificate(status="Accepted" if found else "NotFound")


def _hash_data(found: CertificateId) -> Words:
    words = asdict(found)
    return {"hash_algorithm": words.pop("algorithm"), **words}
