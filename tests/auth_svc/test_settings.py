"""The settings of auth_svc's own."""

import pytest

from auth_svc.settings import AuthSettings
from mesh.errors import SettingError
from mesh.settings import Environment


def _read(**values: str) -> AuthSettings:
    return AuthSettings.read(Environment(values))


def test_defaults_are_the_careful_ones() -> None:
    """Unknown tokens are rejected, nobody registers by themselves."""
    settings = _read()
    assert (settings.accept_unknown_tokens, settings.open_registration, settings.admin_password) == (False, False, None)
    assert settings.outbox_days == 30


def test_settings_are_read() -> None:
    """Each by its name."""
    settings = _read(CSMS_UNKNOWN_TOKENS="accept", CSMS_REGISTRATION="open", CSMS_ADMIN_PASSWORD="secret")
    assert (settings.accept_unknown_tokens, settings.open_registration, settings.admin_password) == (
        True,
        True,
        "secret",
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"CSMS_UNKNOWN_TOKENS": "maybe"}, "reject, accept"),
        ({"CSMS_REGISTRATION": "Open"}, "closed, open"),
        ({"CSMS_REGISTRATION": "open", "CSMS_HOST": "0.0.0.0"}, "loopback"),
        ({"CSMS_ADMIN_PASSWORD": "x" * 257}, "256"),
    ],
)
def test_wrong_settings_are_explained(values: dict[str, str], message: str) -> None:
    """In one line, without the password."""
    with pytest.raises(SettingError, match=message) as caught:
        _read(**values)
    assert "\n" not in str(caught.value)
    assert "xxx" not in str(caught.value)


def test_password_is_not_in_the_representation() -> None:
    """Settings may end up in a log; this must not."""
    assert "secret" not in repr(_read(CSMS_ADMIN_PASSWORD="secret"))
