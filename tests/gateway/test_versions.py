"""The versions of OCPP differ where `gateway/ocpp/versions.py` says so, and nowhere else."""

import ast
from importlib.resources import files
from pathlib import Path

import pytest

from gateway.ocpp.versions import BY_LABEL, OcppVersion

GATEWAY = Path(__file__).parents[2] / "gateway"


@pytest.mark.parametrize("version", BY_LABEL.values(), ids=lambda version: version.label)
def test_each_version_has_its_schemas(version: OcppVersion) -> None:
    assert version.subprotocol == f"ocpp{version.label}"
    names = {path.name for path in (files("ocpp") / version.schema_folder / "schemas").iterdir()}
    assert f"Heartbeat{version.request_suffix}.json" in names


def test_no_module_compares_labels_of_versions() -> None:
    found = [
        f"{path.relative_to(GATEWAY)}:{node.lineno}"
        for path in sorted(GATEWAY.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Compare)
        for side in (node.left, *node.comparators)
        if isinstance(side, ast.Constant) and side.value in BY_LABEL
    ]
    assert found == []
