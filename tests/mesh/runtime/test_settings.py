"""Settings that every process has: a fault of one is reported in a line, without a password in it."""

import pytest

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
