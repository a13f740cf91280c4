"""SignCertificate, 1.6 security whitepaper section 4.9."""

from csms.common.v1.certificate_pb2 import CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE
from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import RequestCertificateItem, RequestCertificateResult

from gateway.ocpp.enums import GENERIC_STATUSES, words
from gateway.ocpp.results import result_of
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results

_STATUS_WORDS = words(GENERIC_STATUSES)


def to_items(payload: Payload, origin: Origin) -> Items:
    """A request for the station's own certificate, the only kind that 1.6 has."""
    item = RequestCertificateItem(
        origin=origin,
        csr=payload["csr"],
        certificate_type=CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE,
    )
    return {IngestRpc.CERTIFICATES: item}


def to_response(_payload: Payload, results: Results, _now_us: int) -> Payload:
    """Whether it will get one, by CertificateSigned; a status that is not known counts as Rejected."""
    result = result_of(results, IngestRpc.CERTIFICATES, RequestCertificateResult)
    return {"status": _STATUS_WORDS.get(result.status, "Rejected")}


INBOUND = Inbound(to_items=to_items, to_response=to_response)
