"""SetNetworkProfile, B09."""

from collections.abc import Mapping, Sequence

from csms.station.v1.network_profile_pb2 import (
    OCPP_TRANSPORT_JSON,
    ApnSettings,
    NetworkConnectionProfile,
    SetNetworkProfileRequest,
    SetNetworkProfileResponse,
    VpnSettings,
)

from gateway.ocpp.checks import check_given, check_length, check_not_negative
from gateway.ocpp.device_model_enums import (
    APN_AUTHENTICATIONS,
    NETWORK_OCPP_VERSIONS,
    OCPP_INTERFACES,
    OCPP_TRANSPORTS,
    SET_NETWORK_PROFILE_STATUSES,
    VPN_TYPES,
)
from gateway.ocpp.enums import words
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info

Words = Mapping[int, str]

# Words of 2.1 are unknown to 2.0.1.
_NOT_201 = frozenset({"OCPP201", "OCPP21", "Any"})
_VERSIONS: Words = words(NETWORK_OCPP_VERSIONS)
_TRANSPORTS: Words = words(OCPP_TRANSPORTS)
_INTERFACES: Words = words(OCPP_INTERFACES)
_VPN_TYPES: Words = words(VPN_TYPES)
_AUTHENTICATIONS: Words = words(APN_AUTHENTICATIONS)
_MAX_ADDRESS, _MAX_SHORT, _MAX_KEY, _MAX_NETWORK = 512, 20, 255, 6


def to_calls(command: SetNetworkProfileRequest) -> Sequence[Payload]:
    """The slot and its profile."""
    slot = check_not_negative(command.configuration_slot, "configuration_slot")
    return [{"configurationSlot": slot, "connectionData": _to_profile(command.connection_data, "connection_data")}]


def _to_profile(profile: NetworkConnectionProfile, field: str) -> Payload:
    url = check_given(profile.ocpp_csms_url, f"{field}.ocpp_csms_url")
    payload: Payload = {
        "ocppVersion": _word(_VERSIONS, profile.ocpp_version, f"{field}.ocpp_version"),
        "ocppTransport": _word(_TRANSPORTS, profile.ocpp_transport or OCPP_TRANSPORT_JSON, f"{field}.ocpp_transport"),
        "ocppCsmsUrl": check_length(url, _MAX_ADDRESS, f"{field}.ocpp_csms_url"),
        "messageTimeout": _timeout(profile.message_timeout_s, f"{field}.message_timeout_s"),
        "securityProfile": check_not_negative(profile.security_profile, f"{field}.security_profile"),
        "ocppInterface": _word(_INTERFACES, profile.ocpp_interface, f"{field}.ocpp_interface"),
    }
    if profile.HasField("vpn"):
        payload["vpn"] = _to_vpn(profile.vpn, f"{field}.vpn")
    if profile.HasField("apn"):
        payload["apn"] = _to_apn(profile.apn, f"{field}.apn")
    return payload


def _to_vpn(vpn: VpnSettings, field: str) -> Payload:
    payload: Payload = {
        "server": _text(vpn.server, _MAX_ADDRESS, f"{field}.server"),
        "user": _text(vpn.user, _MAX_SHORT, f"{field}.user"),
        "password": _text(vpn.password, _MAX_SHORT, f"{field}.password"),
        "key": _text(vpn.key, _MAX_KEY, f"{field}.key"),
        "type": _word(_VPN_TYPES, vpn.type, f"{field}.type"),
    }
    if vpn.group:
        payload["group"] = check_length(vpn.group, _MAX_SHORT, f"{field}.group")
    return payload


def _to_apn(apn: ApnSettings, field: str) -> Payload:
    payload: Payload = {
        "apn": _text(apn.apn, _MAX_ADDRESS, f"{field}.apn"),
        "apnAuthentication": _word(_AUTHENTICATIONS, apn.authentication, f"{field}.authentication"),
    }
    optional = (
        ("apnUserName", "user_name", _MAX_SHORT),
        ("apnPassword", "password", _MAX_SHORT),
        ("preferredNetwork", "preferred_network", _MAX_NETWORK),
    )
    for key, name, most in optional:
        if text := getattr(apn, name):
            payload[key] = check_length(text, most, f"{field}.{name}")
    if apn.HasField("sim_pin"):
        payload["simPin"] = check_not_negative(apn.sim_pin, f"{field}.sim_pin")
    if apn.use_only_preferred_network:
        payload["useOnlyPreferredNetwork"] = True
    return payload


def _text(text: str, most: int, field: str) -> str:
    return check_length(check_given(text, field), most, field)


def _timeout(seconds: int, field: str) -> int:
    if seconds < 1:
        raise UnacceptableError("PropertyConstraintViolation", field, "must be above 0")
    return seconds


def _word(known: Words, value: int, field: str) -> str:
    word = known.get(value)
    if word is None or word in _NOT_201:
        choices = ", ".join(sorted(set(known.values()) - _NOT_201))
        raise UnacceptableError("NotSupported" if word else "PropertyConstraintViolation", field, f"one of {choices}")
    return word


def to_answer(_command: SetNetworkProfileRequest, payloads: Sequence[Payload]) -> SetNetworkProfileResponse:
    """Whether the station stored it."""
    [payload] = payloads
    return SetNetworkProfileResponse(
        status=SET_NETWORK_PROFILE_STATUSES[payload["status"]], status_info=status_info(payload)
    )


OUTBOUND = Outbound(action="SetNetworkProfile", to_calls=to_calls, to_answer=to_answer)
