"""The settings of auth_svc's own."""

from pathlib import Path

import pytest

from auth_svc.authorization_servicer import ConcurrencyRule
from auth_svc.outside_revocations import RevocationRule
from auth_svc.sessions import ACCESS_TOKEN_S
from auth_svc.settings import AuthSettings
from mesh.runtime.settings import Environment
from mesh.runtime.startup_errors import SettingError
from tests import certificates
from tests.mesh_identities import mesh_environment


def _read(**values: str) -> AuthSettings:
    return AuthSettings.read(Environment(mesh_environment("auth") | values))


def test_defaults_are_the_careful_ones() -> None:
    """Unknown tokens are rejected, nobody registers by themselves."""
    settings = _read()
    assert (settings.accept_unknown_tokens, settings.open_registration, settings.admin_password) == (False, False, None)
    assert settings.outbox_days == 30
    assert settings.concurrency == ConcurrencyRule(max_transactions=0, limit_authorize=False)
    assert settings.access_token_s == ACCESS_TOKEN_S


def test_trusted_certificates_and_addresses_are_read(tmp_path: Path) -> None:
    """A bundle of several certificates; private addresses are refused unless the setting allows them."""
    assert (_read().ocsp.trusted, _read().ocsp.http.private_addresses) == ((), False)
    roots = [certificates.authority(name) for name in ("V2G root", "MO root")]
    bundle = tmp_path / "trusted.pem"
    bundle.write_text("".join(root.pem for root in roots))
    ocsp = _read(CSMS_TRUSTED_CERTIFICATES_FILE=str(bundle), CSMS_OCSP_PRIVATE_ADDRESSES="1").ocsp
    assert list(ocsp.trusted) == [root.certificate for root in roots]
    assert ocsp.http.private_addresses
    bundle.write_text("no certificate")
    with pytest.raises(SettingError, match="holds no certificate in PEM"):
        _read(CSMS_TRUSTED_CERTIFICATES_FILE=str(bundle))


def test_settings_are_read() -> None:
    """Each by its name."""
    settings = _read(CSMS_UNKNOWN_TOKENS="accept", CSMS_REGISTRATION="open", CSMS_ADMIN_PASSWORD="secret")
    assert (settings.accept_unknown_tokens, settings.open_registration, settings.admin_password) == (
        True,
        True,
        "secret",
    )
    concurrency = _read(CSMS_MAX_CONCURRENT_TRANSACTIONS="2", CSMS_AUTHORIZE_CONCURRENT_TX="1").concurrency
    assert concurrency == ConcurrencyRule(max_transactions=2, limit_authorize=True)
    assert _read(CSMS_ACCESS_TOKEN_S="60").access_token_s == 60


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"CSMS_UNKNOWN_TOKENS": "maybe"}, "reject, accept"),
        ({"CSMS_UNKNOWN_TOKENS": "accept", "CSMS_HOST": "0.0.0.0"}, "loopback"),
        ({"CSMS_UNKNOWN_TOKENS": "accept", "CSMS_HOST": "10.1.2.3"}, "loopback"),
        ({"CSMS_UNKNOWN_TOKENS": "accept", "CSMS_HOST": "::"}, "loopback"),
        ({"CSMS_UNKNOWN_TOKENS": "accept", "CSMS_HOST": "csms.example"}, "loopback"),
        ({"CSMS_REGISTRATION": "Open"}, "closed, open"),
        ({"CSMS_REGISTRATION": "open", "CSMS_HOST": "0.0.0.0"}, "loopback"),
        ({"CSMS_ADMIN_PASSWORD": "x" * 257}, "256"),
        ({"CSMS_CA_CERTIFICATE_FILE": "ca.pem"}, "both are needed"),
        ({"CSMS_CA_KEY_FILE": "ca.key"}, "both are needed"),
        ({"CSMS_CA_CERTIFICATE_FILE": "/none", "CSMS_CA_KEY_FILE": "/none"}, "CSMS_CA_CERTIFICATE_FILE: cannot read"),
        ({"CSMS_CERTIFICATE_VALIDITY_DAYS": "0"}, "CSMS_CERTIFICATE_VALIDITY_DAYS"),
        ({"CSMS_TRUSTED_CERTIFICATES_FILE": "/none"}, "CSMS_TRUSTED_CERTIFICATES_FILE: cannot read"),
        ({"CSMS_OCSP_PRIVATE_ADDRESSES": "yes"}, "CSMS_OCSP_PRIVATE_ADDRESSES"),
        ({"CSMS_EV_CERTIFICATE_PROVIDER_URL": "ftp://provider.example.org/"}, "http or https"),
        ({"CSMS_V2G_SIGNING_URL": "v2g.example.org"}, "CSMS_V2G_SIGNING_URL"),
        ({"CSMS_V2G_SIGNING_TOKEN": "t"}, "CSMS_V2G_SIGNING_URL"),
        ({"CSMS_EV_CERTIFICATE_PROVIDER_TOKEN": "t"}, "CSMS_EV_CERTIFICATE_PROVIDER_URL"),
        (
            {"CSMS_EV_CERTIFICATE_PROVIDER_URL": "https://p.example.org/", "CSMS_EV_CERTIFICATE_PROVIDER_TOKEN": "ü"},
            "HTTP header",
        ),
        ({"CSMS_ACCESS_TOKEN_S": "901"}, "CSMS_ACCESS_TOKEN_S"),
        ({"CSMS_MAX_CONCURRENT_TRANSACTIONS": "101"}, "CSMS_MAX_CONCURRENT_TRANSACTIONS"),
    ],
)
def test_wrong_settings_are_explained(values: dict[str, str], message: str) -> None:
    with pytest.raises(SettingError, match=message) as caught:
        _read(**values)
    assert "\n" not in str(caught.value)
    assert "xxx" not in str(caught.value)


def test_certificates_are_read(tmp_path: Path) -> None:
    """The representation of the settings does not show the key."""
    made = certificates.authority("Issuing")
    (tmp_path / "ca.pem").write_text(made.pem)
    (tmp_path / "ca.key").write_text(certificates.key_pem(made.key))
    settings = _read(
        CSMS_CA_CERTIFICATE_FILE=str(tmp_path / "ca.pem"),
        CSMS_CA_KEY_FILE=str(tmp_path / "ca.key"),
        CSMS_CERTIFICATE_ORGANIZATION="ACME",
        CSMS_CERTIFICATE_VALIDITY_DAYS="90",
        CSMS_CERTIFICATE_RETENTION_DAYS="7",
    )
    rules = settings.certificates
    assert rules.authority is not None
    assert rules.authority.certificate == made.certificate
    assert (rules.organization, rules.validity_days, settings.certificate_days) == ("ACME", 90, 7)
    assert "RSAPrivateKey" not in repr(rules)
    assert "EllipticCurvePrivateKey" not in repr(rules)
    assert _read().certificates.authority is None


def test_password_is_not_in_the_representation() -> None:
    """Settings may end up in a log; this must not."""
    assert "secret" not in repr(_read(CSMS_ADMIN_PASSWORD="secret"))


def test_certificates_of_stations_are_checked_and_limited_by_default() -> None:
    settings = _read()
    assert (settings.clients.outside, settings.clients.revocation) == ((), RevocationRule.NAMED)
    assert settings.certificates.most_per_day == 10
    with pytest.raises(SettingError, match="CSMS_CERTIFICATES_PER_STATION_DAY"):
        _read(CSMS_CERTIFICATES_PER_STATION_DAY="0")
    assert _read(CSMS_CERTIFICATES_PER_STATION_DAY="3").certificates.most_per_day == 3


def test_outside_authorities_are_read(tmp_path: Path) -> None:
    roots = [certificates.authority(name) for name in ("Maker root", "Other root")]
    bundle = tmp_path / "clients.pem"
    bundle.write_text("".join(root.pem for root in roots))
    clients = _read(CSMS_CLIENT_CA_FILE=str(bundle), CSMS_CLIENT_REVOCATION="always").clients
    assert list(clients.outside) == [root.certificate for root in roots]
    assert clients.revocation is RevocationRule.ALWAYS
    with pytest.raises(SettingError, match="one of named, soft, always is needed"):
        _read(CSMS_CLIENT_REVOCATION="never")
    with pytest.raises(SettingError, match="CSMS_CLIENT_CA_FILE: cannot read"):
        _read(CSMS_CLIENT_CA_FILE=str(tmp_path / "none"))
