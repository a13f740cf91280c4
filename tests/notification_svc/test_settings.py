"""The settings of notification_svc's own."""

import pytest

from mesh.runtime.settings import Environment
from mesh.runtime.startup_errors import SettingError
from notification_svc.settings import NotificationSettings
from tests.mesh_identities import mesh_environment

_NEEDED = {"CSMS_AUTH_ADDRESS": "127.0.0.1:1", **mesh_environment("notification")}


def _read(**values: str) -> NotificationSettings:
    return NotificationSettings.read(Environment(_NEEDED | values))


def test_defaults() -> None:
    """A month of events, and no broker."""
    settings = _read()
    assert (settings.retention_days, settings.amqp_url) == (30, None)


def test_settings_are_read() -> None:
    """Each by its name; what is secret does not show."""
    settings = _read(CSMS_EVENT_RETENTION_DAYS="7", CSMS_AMQP_URL="amqps://user:hidden@127.0.0.1/mesh")
    assert (settings.retention_days, settings.amqp_url) == (7, "amqps://user:hidden@127.0.0.1/mesh")
    assert "hidden" not in repr(settings)
    assert "mesh-secret" not in repr(settings)


@pytest.mark.parametrize(
    "values",
    [
        {"CSMS_EVENT_RETENTION_DAYS": "0"},
        {"CSMS_EVENT_RETENTION_DAYS": "soon"},
        {"CSMS_AMQP_URL": "http://user:hidden@127.0.0.1"},
        {"CSMS_AUTH_ADDRESS": ""},
    ],
)
def test_wrong_settings_are_explained(values: dict[str, str]) -> None:
    with pytest.raises(SettingError, match=next(iter(values))) as caught:
        _read(**values)
    assert "hidden" not in str(caught.value)
