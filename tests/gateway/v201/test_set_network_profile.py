"""SetNetworkProfile of 2.0.1, B09."""

from typing import Any

import pytest
from csms.station.v1 import network_profile_pb2 as pb

from gateway.ocpp.device_model_enums import SET_NETWORK_PROFILE_STATUSES
from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v201 import helpers

NAME = "set_network_profile"
LEAST: dict[str, Any] = {
    "ocpp_version": pb.NETWORK_OCPP_VERSION_OCPP20,
    "ocpp_csms_url": "wss://csms.example",
    "message_timeout_s": 30,
    "ocpp_interface": pb.OCPP_INTERFACE_WIRED0,
}
LEAST_PAYLOAD = {
    "ocppVersion": "OCPP20",
    "ocppTransport": "JSON",
    "ocppCsmsUrl": "wss://csms.example",
    "messageTimeout": 30,
    "securityProfile": 0,
    "ocppInterface": "Wired0",
}
VPN: dict[str, Any] = {"server": "s", "user": "u", "password": "p", "key": "k", "type": pb.VPN_TYPE_IKEV2}
APN: dict[str, Any] = {"apn": "internet", "authentication": pb.APN_AUTHENTICATION_AUTO}


def command(slot: int = 1, **more: Any) -> pb.SetNetworkProfileRequest:
    """A command with the least profile, and more."""
    profile = pb.NetworkConnectionProfile(**(LEAST | more))
    return pb.SetNetworkProfileRequest(configuration_slot=slot, connection_data=profile)


def test_the_least_profile() -> None:
    assert helpers.to_calls(NAME, command()) == [{"configurationSlot": 1, "connectionData": LEAST_PAYLOAD}]


def test_a_whole_profile() -> None:
    sent = command(
        0,
        ocpp_transport=pb.OCPP_TRANSPORT_SOAP,
        security_profile=2,
        vpn=pb.VpnSettings(**VPN, group="g"),
        apn=pb.ApnSettings(
            **APN,
            user_name="n",
            password="p",
            sim_pin=0,
            preferred_network="26201",
            use_only_preferred_network=True,
        ),
    )
    [payload] = helpers.to_calls(NAME, sent)
    assert payload["configurationSlot"] == 0
    assert payload["connectionData"] == LEAST_PAYLOAD | {
        "ocppTransport": "SOAP",
        "securityProfile": 2,
        "vpn": {"server": "s", "user": "u", "group": "g", "password": "p", "key": "k", "type": "IKEv2"},
        "apn": {
            "apn": "internet",
            "apnUserName": "n",
            "apnPassword": "p",
            "simPin": 0,
            "preferredNetwork": "26201",
            "useOnlyPreferredNetwork": True,
            "apnAuthentication": "AUTO",
        },
    }


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"ocpp_version": pb.NETWORK_OCPP_VERSION_OCPP201}, "ocpp_version"),  # a word of 2.1
        ({"ocpp_version": 0}, "ocpp_version"),
        ({"ocpp_interface": pb.OCPP_INTERFACE_ANY}, "ocpp_interface"),
        ({"ocpp_csms_url": ""}, "ocpp_csms_url"),
        ({"ocpp_csms_url": "w" * 513}, "ocpp_csms_url"),
        ({"message_timeout_s": 0}, "message_timeout_s"),
        ({"security_profile": -1}, "security_profile"),
        ({"vpn": pb.VpnSettings(**(VPN | {"key": ""}))}, "vpn.key"),
        ({"vpn": pb.VpnSettings(**(VPN | {"user": "u" * 21}))}, "vpn.user"),
        ({"apn": pb.ApnSettings(apn="internet")}, "apn.authentication"),
        ({"apn": pb.ApnSettings(**APN, preferred_network="1234567")}, "apn.preferred_network"),
        ({"apn": pb.ApnSettings(**APN, sim_pin=-1)}, "apn.sim_pin"),
    ],
)
def test_a_profile_that_cannot_be_said_names_its_field(more: dict[str, Any], field: str) -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, command(**more))
    assert caught.value.field == f"connection_data.{field}"


def test_every_answer() -> None:
    found = helpers.statuses_told(NAME, command(), "SetNetworkProfileStatusEnumType")
    assert found == SET_NETWORK_PROFILE_STATUSES
