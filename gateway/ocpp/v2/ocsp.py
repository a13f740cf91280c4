"""OCSPRequestDataType, a certificate with the responder that knows its status."""

from csms.auth.v1.certificate_exchange_service_pb2 import OcspRequestData

from gateway.ocpp.certificate_hashes import from_payload
from gateway.ocpp.translation import Payload


def request_data(payload: Payload) -> OcspRequestData:
    """The contract's form."""
    return OcspRequestData(certificate_hash_data=from_payload(payload), responder_url=payload["responderURL"])
