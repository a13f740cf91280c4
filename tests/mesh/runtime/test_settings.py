"""Settings that every process has: a fault of one is reported in a line, without a password in it."""

import pytest

from mesh.runtime.call_rules import CallRules
from mesh.runtime.process import log_level
from mesh.runtime.settings import Environment, ServiceSettings, database_url
from mesh.runtime.startup_errors import SettingError


@pytest.mark.parametrize("url", ["postgresql+psycopg2://me:secret@db.example/csms", "sqlite:////tmp/x.db"])
def test_a_database_of_a_known_kind(url: str) -> None:
    """It is taken as it is given."""
    assert database_url(Environment({"CSMS_DATABASE_URL": url}), "station") == url


@pytest.mark.parametrize(
    "url", ["secret", "postgresql://me:secret@db.example/csms", "mysql://me:secret@db.example/csms"]
)
def test_a_database_of_another_kind(url: str) -> None:
    """It is refused at once, with what is needed instead."""
    with pytest.raises(SettingError) as caught:
        database_url(Environment({"CSMS_DATABASE_URL": url}), "station")
    assert "postgresql+psycopg2://" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_levels_of_the_log() -> None:
    """In capitals or not; INFO where none is given; an unknown one is refused with the list of words."""
    assert [log_level(given) for given in ({}, {"CSMS_LOG_LEVEL": ""}, {"CSMS_LOG_LEVEL": "debug"})] == [
        "INFO",
        "INFO",
        "DEBUG",
    ]
    with pytest.raises(SettingError, match="one of DEBUG, INFO, WARNING, ERROR, CRITICAL is needed"):
        log_level({"CSMS_LOG_LEVEL": "loud"})


def test_secrets_are_not_in_the_representation() -> None:
    settings = ServiceSettings.read(
        Environment(
            {
                "CSMS_AUTH_ADDRESS": "127.0.0.1:0",
                "CSMS_AUTH_OPERATOR_ADDRESS": "127.0.0.1:0",
                "CSMS_DATABASE_URL": "postgresql+psycopg2://me:s3cret@db.example/csms",
                "CSMS_MESH_SECRET": "s3cret" * 6,
            }
        ),
        "auth",
    )
    assert (settings.mesh.secret, "s3cret" in repr(settings)) == ("s3cret" * 6, False)


def _service_settings(**values: str) -> ServiceSettings:
    given = {"CSMS_AUTH_ADDRESS": "a:1", "CSMS_AUTH_OPERATOR_ADDRESS": "a:2", "CSMS_MESH_SECRET": "s" * 32}
    return ServiceSettings.read(Environment({**given, "CSMS_DATABASE_URL": "sqlite:///x", **values}), "auth")


def test_limits_of_operators_calls_are_settings() -> None:
    assert _service_settings().call_rules == CallRules()
    given = {
        "CSMS_CALLS_PER_CALLER_S": "1",
        "CSMS_CALLS_PER_TENANT_S": "2",
        "CSMS_CONCURRENT_CALLS_PER_CALLER": "3",
        "CSMS_STREAMS_PER_CALLER": "4",
        "CSMS_STREAMS_PER_TENANT": "5",
        "CSMS_STREAMS": "0",
    }
    assert _service_settings(**given).call_rules == CallRules(
        calls_per_caller_s=1,
        calls_per_tenant_s=2,
        concurrent_calls_per_caller=3,
        streams_per_caller=4,
        streams_per_tenant=5,
        streams=0,
    )
    with pytest.raises(SettingError, match="CSMS_STREAMS_PER_CALLER"):
        _service_settings(CSMS_STREAMS_PER_CALLER="many")
