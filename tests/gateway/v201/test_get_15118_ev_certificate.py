"""Get15118EVCertificate of 2.0.1."""

import pytest
from csms.auth.v1.certificate_exchange_service_pb2 import GetEvCertificateResult

from gateway.ocpp.certificate_enums import CERTIFICATE_ACTIONS
from gateway.ocpp.translation import IngestRpc, UnacceptableError
from gateway.ocpp.v201.routes import ROUTES
from mesh.runtime.error_reasons import Reason
from tests.gateway.v201 import helpers

ACTION = "Get15118EVCertificate"
SCHEMA = "urn:iso:15118:2:2013:MsgDef"


def _payload(action: str = "Install", exi_request: str = "gJgC") -> dict[str, str]:
    return {"iso15118SchemaVersion": SCHEMA, "action": action, "exiRequest": exi_request}


@pytest.mark.parametrize("word", CERTIFICATE_ACTIONS)
def test_request_goes_on_as_it_came(word: str) -> None:
    exi = "x/+=" * 1_400
    item = helpers.item(ACTION, _payload(word, exi), IngestRpc.EV_CERTIFICATES)
    assert (item.origin, item.iso15118_schema_version) == (helpers.ORIGIN, SCHEMA)
    assert (item.action, item.exi_request) == (CERTIFICATE_ACTIONS[word], exi)


def test_action_that_ocpp_does_not_have_is_refused() -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_items(ACTION, _payload("Revoke"))
    assert caught.value.field == "action"


def test_answer_goes_back_as_it_came() -> None:
    exi = "y/+=" * 1_875
    results = {IngestRpc.EV_CERTIFICATES: GetEvCertificateResult(accepted=True, exi_response=exi)}
    assert helpers.to_response(ACTION, _payload(), results) == {"status": "Accepted", "exiResponse": exi}


def test_answer_that_2_0_1_cannot_carry_fails() -> None:
    results = {IngestRpc.EV_CERTIFICATES: GetEvCertificateResult(accepted=True, exi_response="y" * 7_501)}
    response = helpers.to_response(ACTION, _payload(), results)
    assert (response["status"], response["exiResponse"]) == ("Failed", "")
    assert response["statusInfo"]["reasonCode"] == "TooLargeElement"


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Reason.CERTIFICATE_PROVIDER_MISSING, "NotEnabled"),
        (Reason.CERTIFICATE_PROVIDER_UNAVAILABLE, "InternalError"),
        (Reason.CERTIFICATE_PROVIDER_REFUSED, "Unspecified"),
    ],
)
def test_failure_has_its_reason_and_the_answer_for_the_vehicle(reason: Reason, code: str) -> None:
    result = GetEvCertificateResult(reason=reason, message="why", exi_response="gJgD")
    assert helpers.to_response(ACTION, _payload(), {IngestRpc.EV_CERTIFICATES: result}) == {
        "status": "Failed",
        "exiResponse": "gJgD",
        "statusInfo": {"reasonCode": code, "additionalInfo": "why"},
    }


def test_station_is_answered_while_auth_svc_is_unavailable() -> None:
    assert ROUTES.inbound[ACTION].optional == {IngestRpc.EV_CERTIFICATES}
    assert helpers.to_response(ACTION, _payload(), {})["status"] == "Failed"


def test_each_payload_of_the_schema_has_its_item() -> None:
    for payload in helpers.request_payloads(ACTION):
        assert helpers.item(ACTION, payload, IngestRpc.EV_CERTIFICATES).exi_request == payload["exiRequest"]
