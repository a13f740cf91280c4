"""Settings of station_svc, from its environment."""

import pytest

from mesh.runtime.settings import Environment
from mesh.runtime.startup_errors import SettingError
from station_svc.features.data_transfer.transfer_limits import TransferLimits
from station_svc.features.data_transfer.vendors import Vendors
from station_svc.settings import StationSettings
from tests.mesh_identities import mesh_environment

NEEDED = {"CSMS_AUTH_ADDRESS": "127.0.0.1:7000", **mesh_environment("station")}


def test_defaults() -> None:
    """Few settings are needed, and unknown stations are refused."""
    settings = StationSettings.read(Environment(NEEDED))
    assert settings.onboarding == "reject"
    assert (settings.lease_duration_s, settings.heartbeat_interval_s, settings.command_timeout_s) == (12, 300, 30)
    assert settings.version_change_delay_s == 60
    assert settings.retention["MESSAGE"] == 30


def test_what_is_set_counts() -> None:
    """Each setting reaches its place."""
    settings = StationSettings.read(
        Environment(
            {
                **NEEDED,
                "CSMS_ONBOARDING": "accept",
                "CSMS_HEARTBEAT_INTERVAL_S": "60",
                "CSMS_VERSION_CHANGE_DELAY_S": "0",
                "CSMS_MESSAGE_RETENTION_DAYS": "7",
                "CSMS_STATUS_REPORT_RETENTION_DAYS": "8",
                "CSMS_CHARGING_PROFILE_RETENTION_DAYS": "9",
                "CSMS_RESERVATION_RETENTION_DAYS": "10",
                "CSMS_SECURITY_EVENT_RETENTION_DAYS": "9",
                "CSMS_TASK_RETENTION_DAYS": "10",
                "CSMS_CERTIFICATE_REQUEST_RETENTION_DAYS": "11",
                "CSMS_DATA_TRANSFER_VENDORS": "com.acme",
                "CSMS_DATA_TRANSFERS_PER_STATION": "500",
                "CSMS_DATA_TRANSFER_MIB_PER_STATION": "2",
            }
        )
    )
    assert (settings.onboarding, settings.heartbeat_interval_s) == ("accept", 60)
    assert settings.version_change_delay_s == 0
    kept = settings.retention
    assert (kept["MESSAGE"], kept["STATUS_REPORT"]) == (7, 8)
    assert (kept["SECURITY_EVENT"], kept["TASK"]) == (9, 10)
    assert kept["CERTIFICATE_REQUEST"] == 11
    assert (kept["CHARGING_PROFILE"], kept["RESERVATION"]) == (9, 10)
    assert settings.vendors.judge("com.acme", "x") == 1
    assert settings.transfer_limits == TransferLimits(rows=500, size=2 * 1024 * 1024)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CSMS_MESSAGE_RETENTION_DAYS", "0"),
        ("CSMS_NODE_LEASE_S", "1"),
        ("CSMS_HEARTBEAT_INTERVAL_S", "soon"),
        ("CSMS_VERSION_CHANGE_DELAY_S", "3601"),
        ("CSMS_DATA_TRANSFER_VENDORS", "com.acme/"),
        ("CSMS_DATA_TRANSFERS_PER_STATION", "0"),
        ("CSMS_DATA_TRANSFER_MIB_PER_STATION", "1"),
        ("CSMS_DATA_TRANSFER_VENDORS", "/x"),
        ("CSMS_ONBOARDING", "perhaps"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        StationSettings.read(Environment({**NEEDED, name: value}))


def test_nobody_is_let_in_unseen_from_outside() -> None:
    """Accepting unknown stations is for a machine that only itself can reach."""
    with pytest.raises(SettingError, match="CSMS_ONBOARDING"):
        StationSettings.read(Environment({**NEEDED, "CSMS_ONBOARDING": "accept", "CSMS_HOST": "192.0.2.1"}))


@pytest.mark.parametrize(
    ("text", "vendor", "message", "status"),
    [
        ("", "a", "m", 4),
        ("a", "a", "m", 1),
        ("a", "a", "", 1),
        ("a/m", "a", "m", 1),
        ("a/m, a/n", "a", "n", 1),
        ("a/m", "a", "n", 3),
        ("a/m, a", "a", "n", 1),
        ("a, a/m", "a", "n", 1),
        ("a, b/m ,", "c", "m", 4),
        ("a", "A", "m", 4),
    ],
)
def test_vendors(text: str, vendor: str, message: str, status: int) -> None:
    """A vendor alone stands for all its messages, whatever else is said of it."""
    assert Vendors.parse(text).judge(vendor, message) == status
