"""Secrets do not show where an object is logged or stands in a traceback (CONTRIBUTING.md, "Add a setting")."""

import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest

PACKAGES = ("mesh", "gateway", "station_svc", "transaction_svc", "auth_svc", "notification_svc", "deploy", "simulator")
MARKER = "qx7-secret-zv9"
# Fields that hold a secret, or a text that may have one in it; and texts about one.
SECRET = re.compile(
    r"(^|_)(secrets?|passwords?|credential|private|jwk|(database|amqp)_url)(_|$)|^(access|refresh)_token$|^env"
)
HARMLESS = {"credential_id", "credential_reason", "credential_salt"}


def _dataclasses() -> Iterator[type]:
    for package in PACKAGES:
        top = importlib.import_module(package)
        for module in pkgutil.walk_packages(top.__path__, f"{package}."):
            if ".migrations" in module.name or module.name.endswith("__main__"):
                continue
            for found in vars(importlib.import_module(module.name)).values():
                if isinstance(found, type) and found.__module__ == module.name and dataclasses.is_dataclass(found):
                    yield found


CLASSES = sorted(_dataclasses(), key=lambda found: (found.__module__, found.__qualname__))
# Their own settings have none: the keys of the mesh are in files.
WITHOUT_SECRETS = {"StationSettings", "TransactionSettings", "TenantSettings", "TlsSettings"}
SETTINGS = [found for found in CLASSES if found.__name__.endswith("Settings")]


def _secrets(found: Any) -> set[str]:
    texts = ("str", "bytes", "Mapping", "tuple")
    return {
        field.name
        for field in dataclasses.fields(found)
        if SECRET.search(field.name)
        and field.name not in HARMLESS
        and getattr(field.type, "__name__", str(field.type)).removeprefix("collections.abc.").startswith(texts)
    }


@pytest.mark.parametrize("found", SETTINGS, ids=lambda found: found.__name__)
def test_settings_do_not_show_their_secrets(found: Any) -> None:
    names = _secrets(found)
    made = found(**{field.name: MARKER if field.name in names else 0 for field in dataclasses.fields(found)})
    assert bool(names) is (found.__name__ not in WITHOUT_SECRETS)
    if not names:
        return
    assert {getattr(made, name) for name in names} == {MARKER}
    assert MARKER not in repr(made)
    assert MARKER not in str(made)


@pytest.mark.parametrize("found", [found for found in CLASSES if _secrets(found)], ids=lambda found: found.__qualname__)
def test_no_dataclass_shows_a_secret(found: Any) -> None:
    shown = {field.name for field in dataclasses.fields(found) if field.repr}
    assert shown & _secrets(found) == set()


def test_the_settings_of_each_process_are_held() -> None:
    assert {found.__module__.partition(".")[0] for found in SETTINGS} == {*PACKAGES}
