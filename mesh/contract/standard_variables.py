"""Configuration keys of OCPP 1.6 and the variables of 2.x that mean the same: the standard mapping of device models.

OCPP 2.0.1 part 2, "Referenced Components and Variables", beside 1.6 section 9 and its security whitepaper, section 5.1.
A key without a standard variable is one of the component ChargingStation, and has no entry.
"""

from collections.abc import Mapping
from typing import NamedTuple

KEY_COMPONENT = "ChargingStation"
"""The component of the variable that a configuration key of 1.6 is."""


class StandardVariable(NamedTuple):
    """A variable by its names in 2.x."""

    component: str
    variable: str
    instance: str = ""


_TRANSACTIONS = "TransactionEvent"

# By the key of 1.6.
STANDARD_VARIABLES: Mapping[str, StandardVariable] = {
    "AdditionalRootCertificateCheck": StandardVariable("SecurityCtrlr", "AdditionalRootCertificateCheck"),
    "AllowOfflineTxForUnknownId": StandardVariable("AuthCtrlr", "OfflineTxForUnknownIdEnabled"),
    "AuthorizationCacheEnabled": StandardVariable("AuthCacheCtrlr", "Enabled"),
    "AuthorizationKey": StandardVariable("SecurityCtrlr", "BasicAuthPassword"),
    "AuthorizeRemoteTxRequests": StandardVariable("AuthCtrlr", "AuthorizeRemoteStart"),
    "CertificateSignedMaxChainSize": StandardVariable("SecurityCtrlr", "MaxCertificateChainSize"),
    "CertificateStoreMaxLength": StandardVariable("SecurityCtrlr", "CertificateEntries"),
    "ChargeProfileMaxStackLevel": StandardVariable("SmartChargingCtrlr", "ProfileStackLevel"),
    "ChargingScheduleAllowedChargingRateUnit": StandardVariable("SmartChargingCtrlr", "RateUnit"),
    "ChargingScheduleMaxPeriods": StandardVariable("SmartChargingCtrlr", "PeriodsPerSchedule"),
    "ClockAlignedDataInterval": StandardVariable("AlignedDataCtrlr", "Interval"),
    "ConnectionTimeOut": StandardVariable("TxCtrlr", "EVConnectionTimeOut"),
    "ConnectorSwitch3to1PhaseSupported": StandardVariable("SmartChargingCtrlr", "Phases3to1"),
    "CpoName": StandardVariable("SecurityCtrlr", "OrganizationName"),
    "GetConfigurationMaxKeys": StandardVariable("DeviceDataCtrlr", "ItemsPerMessage", "GetVariables"),
    "HeartbeatInterval": StandardVariable("OCPPCommCtrlr", "HeartbeatInterval"),
    "LocalAuthListEnabled": StandardVariable("LocalAuthListCtrlr", "Enabled"),
    "LocalAuthorizeOffline": StandardVariable("AuthCtrlr", "LocalAuthorizeOffline"),
    "LocalPreAuthorize": StandardVariable("AuthCtrlr", "LocalPreAuthorize"),
    "MaxChargingProfilesInstalled": StandardVariable("SmartChargingCtrlr", "Entries", "ChargingProfiles"),
    "MaxEnergyOnInvalidId": StandardVariable("TxCtrlr", "MaxEnergyOnInvalidId"),
    "MeterValueSampleInterval": StandardVariable("SampledDataCtrlr", "TxUpdatedInterval"),
    "MeterValuesAlignedData": StandardVariable("AlignedDataCtrlr", "Measurands"),
    "MeterValuesSampledData": StandardVariable("SampledDataCtrlr", "TxUpdatedMeasurands"),
    "ReserveConnectorZeroSupported": StandardVariable("ReservationCtrlr", "NonEvseSpecific"),
    "ResetRetries": StandardVariable("OCPPCommCtrlr", "ResetRetries"),
    "SecurityProfile": StandardVariable("SecurityCtrlr", "SecurityProfile"),
    "SendLocalListMaxLength": StandardVariable("LocalAuthListCtrlr", "ItemsPerMessage"),
    "StopTransactionOnEVSideDisconnect": StandardVariable("TxCtrlr", "StopTxOnEVSideDisconnect"),
    "StopTransactionOnInvalidId": StandardVariable("TxCtrlr", "StopTxOnInvalidId"),
    "StopTxnAlignedData": StandardVariable("AlignedDataCtrlr", "TxEndedMeasurands"),
    "StopTxnSampledData": StandardVariable("SampledDataCtrlr", "TxEndedMeasurands"),
    "TransactionMessageAttempts": StandardVariable("OCPPCommCtrlr", "MessageAttempts", _TRANSACTIONS),
    "TransactionMessageRetryInterval": StandardVariable("OCPPCommCtrlr", "MessageAttemptInterval", _TRANSACTIONS),
    "UnlockConnectorOnEVSideDisconnect": StandardVariable("OCPPCommCtrlr", "UnlockOnEVSideDisconnect"),
    "WebSocketPingInterval": StandardVariable("OCPPCommCtrlr", "WebSocketPingInterval"),
}
KEYS: Mapping[StandardVariable, str] = {standard: key for key, standard in STANDARD_VARIABLES.items()}

# Stations write keys in other cases, too.
_BY_LOWER_KEY = {key.lower(): standard for key, standard in STANDARD_VARIABLES.items()}


def standard_of(component: str, variable: str) -> StandardVariable | None:
    """The variable of 2.x that a key of 1.6 is; None for a variable that is no such key."""
    return _BY_LOWER_KEY.get(variable.lower()) if component == KEY_COMPONENT else None
