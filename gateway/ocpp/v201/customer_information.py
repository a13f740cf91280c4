"""CustomerInformation, N09 and N10."""

from collections.abc import Sequence

from csms.station.v1.customer_information_pb2 import CustomerInformationRequest, CustomerInformationResponse

from gateway.ocpp.certificate_enums import HASH_ALGORITHMS
from gateway.ocpp.checks import check_given, check_length, check_not_negative
from gateway.ocpp.enums import words
from gateway.ocpp.monitoring_enums import CUSTOMER_INFORMATION_STATUSES
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import id_token_payload, status_info

_ALGORITHM_WORDS = words(HASH_ALGORITHMS)
_NAMES = ("customer_identifier", "id_token", "customer_certificate")
_MAX_IDENTIFIER, _MAX_HASH, _MAX_SERIAL = 64, 128, 40


def to_calls(command: CustomerInformationRequest) -> Sequence[Payload]:
    """A request about one driver: N09.FR.02 has exactly one of the three names."""
    if not command.HasField("report_id"):
        raise UnacceptableError("OccurrenceConstraintViolation", "report_id", "is required")
    if not command.report and not command.clear:
        raise UnacceptableError("OccurrenceConstraintViolation", "report", "one of report and clear is needed")
    payload: Payload = {
        "requestId": check_not_negative(command.report_id, "report_id"),
        "report": command.report,
        "clear": command.clear,
    }
    return [payload | _driver(command)]


def _driver(command: CustomerInformationRequest) -> Payload:
    given = [name for name in _NAMES if _is_given(command, name)]
    if len(given) != 1:
        field = given[1] if given else _NAMES[0]
        raise UnacceptableError(
            "OccurrenceConstraintViolation", field, f"exactly one of {', '.join(_NAMES)} names the driver"
        )
    [name] = given
    if name == "customer_identifier":
        return {"customerIdentifier": check_length(command.customer_identifier, _MAX_IDENTIFIER, name)}
    if name == "id_token":
        return {"idToken": id_token_payload(command.id_token, name)}
    return {"customerCertificate": _certificate(command)}


def _is_given(command: CustomerInformationRequest, name: str) -> bool:
    return bool(command.customer_identifier) if name == "customer_identifier" else command.HasField(name)  # type: ignore[arg-type]


def _certificate(command: CustomerInformationRequest) -> Payload:
    hashes = command.customer_certificate
    algorithm = _ALGORITHM_WORDS.get(hashes.hash_algorithm)
    if algorithm is None:
        known = ", ".join(sorted(_ALGORITHM_WORDS.values()))
        raise UnacceptableError(
            "PropertyConstraintViolation", "customer_certificate.hash_algorithm", f"must be one of {known}"
        )
    limits = (
        ("issuerNameHash", "issuer_name_hash", _MAX_HASH),
        ("issuerKeyHash", "issuer_key_hash", _MAX_HASH),
        ("serialNumber", "serial_number", _MAX_SERIAL),
    )
    payload: Payload = {"hashAlgorithm": algorithm}
    for key, name, limit in limits:
        field = f"customer_certificate.{name}"
        payload[key] = check_length(check_given(getattr(hashes, name), field), limit, field)
    return payload


def to_answer(command: CustomerInformationRequest, payloads: Sequence[Payload]) -> CustomerInformationResponse:
    """Whether it will."""
    [payload] = payloads
    return CustomerInformationResponse(
        status=CUSTOMER_INFORMATION_STATUSES[payload["status"]],
        status_info=status_info(payload),
        report_id=command.report_id,
    )


OUTBOUND = Outbound(action="CustomerInformation", to_calls=to_calls, to_answer=to_answer)
