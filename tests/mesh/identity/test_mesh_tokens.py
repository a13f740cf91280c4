"""Mesh tokens over time: made once for many calls, renewed before their end, and keys that are replaced meanwhile."""

from pathlib import Path

import pytest

from deploy.mesh_keys import MeshKeys
from mesh.identity.key_files import PARTS
from mesh.identity.mesh_identity import ANY_PART, SECRET_KEY, TOKEN_KEY, MeshIdentity
from mesh.identity.mesh_tokens import LEEWAY_S, LIFETIME_S, RENEWED_BEFORE_S
from mesh.runtime.settings import Environment, MeshSettings
from mesh.runtime.startup_errors import SettingError
from tests.conftest import FakeClock

SECRET = "a secret of the release before, long enough"


@pytest.fixture
def keys(tmp_path: Path) -> MeshKeys:
    """The keys of a mesh."""
    made = MeshKeys(tmp_path / "keys")
    assert set(made.make()) == {*PARTS, "front door", "encryption"}
    return made


def _identity(part: str, keys: MeshKeys, clock: FakeClock, **more: str) -> MeshIdentity:
    settings = MeshSettings.read(Environment({**keys.settings(part), **more}), part)
    return MeshIdentity(settings, clock_s=lambda: clock() / 1_000_000)


def test_a_token_is_made_once_and_renewed_long_before_its_end(keys: MeshKeys, clock: FakeClock) -> None:
    gateway, station = _identity("gateway", keys, clock), _identity("station", keys, clock)
    proofs = gateway.proofs("station")
    first = proofs()
    clock.advance(LIFETIME_S - RENEWED_BEFORE_S - 1)
    assert proofs() == first
    clock.advance(1)
    assert proofs() != first
    assert station.part_of(first) == station.part_of(proofs()) == "gateway"


def test_a_token_ends_though_it_was_verified(keys: MeshKeys, clock: FakeClock) -> None:
    gateway, station = _identity("gateway", keys, clock), _identity("station", keys, clock)
    token = gateway.proofs("station")()
    assert station.part_of(token) == "gateway"
    clock.advance(LIFETIME_S - 1)
    assert station.part_of(token) == "gateway"
    clock.advance(1)
    assert station.part_of(token) is None
    assert station.part_of(token) is None


@pytest.mark.parametrize(
    ("ahead_s", "part"), [(LEEWAY_S, "gateway"), (LEEWAY_S + 1, None), (1 - LIFETIME_S, "gateway"), (-LIFETIME_S, None)]
)
def test_clocks_may_differ_by_some_seconds(keys: MeshKeys, clock: FakeClock, ahead_s: int, part: str | None) -> None:
    gateway = _identity("gateway", keys, FakeClock(clock() + ahead_s * 1_000_000))
    assert _identity("station", keys, clock).part_of(gateway.proofs("station")()) == part


def test_a_clock_that_was_set_back_makes_a_new_token(keys: MeshKeys, clock: FakeClock) -> None:
    gateway, station = _identity("gateway", keys, clock), _identity("station", keys, clock)
    gateway.proofs("station")()
    clock.advance(-3600)
    assert station.part_of(gateway.proofs("station")()) == "gateway"


def test_keys_are_replaced_without_a_restart(keys: MeshKeys, clock: FakeClock) -> None:
    """Tokens of the former key stay valid, those of the new one are valid at once, by a process that never saw it."""
    gateway, station = _identity("gateway", keys, clock), _identity("station", keys, clock)
    former = gateway.proofs("station")()
    assert station.part_of(former) == "gateway"
    keys.rotate("gateway")
    clock.advance(1)
    present = gateway.proofs("station")()
    assert present != former
    assert station.part_of(present) == "gateway"
    assert station.part_of(former) == "gateway"


def test_a_new_key_is_known_though_the_files_were_read_this_moment(keys: MeshKeys, clock: FakeClock) -> None:
    station = _identity("station", keys, clock)
    keys.rotate("gateway")
    present = _identity("gateway", keys, clock).proofs("station")()
    assert station.part_of(present) == "gateway"


def test_a_retired_key_is_refused_within_a_second(keys: MeshKeys, clock: FakeClock) -> None:
    """Though its token was verified, and would be valid for minutes."""
    gateway, station = _identity("gateway", keys, clock), _identity("station", keys, clock)
    former = gateway.proofs("station")()
    assert station.part_of(former) == "gateway"
    keys.rotate("gateway")
    keys.retire("gateway")
    clock.advance(1)
    assert station.part_of(former) is None
    assert station.part_of(gateway.proofs("station")()) == "gateway"


def test_a_part_without_public_keys_is_refused(keys: MeshKeys, clock: FakeClock, tmp_path: Path) -> None:
    gateway, station = _identity("gateway", keys, clock), _identity("station", keys, clock)
    token = gateway.proofs("station")()
    assert station.part_of(token) == "gateway"
    (tmp_path / "keys" / "public" / "gateway.json").unlink()
    clock.advance(1)
    assert station.part_of(token) is None


def test_a_part_whose_key_set_is_emptied_is_refused(keys: MeshKeys, clock: FakeClock, tmp_path: Path) -> None:
    gateway, station = _identity("gateway", keys, clock), _identity("station", keys, clock)
    (tmp_path / "keys" / "public" / "gateway.json").write_text('{"keys": []}')
    clock.advance(1)
    assert station.part_of(gateway.proofs("station")()) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"keys": [{"kty": "EC"}]}', '{"keys": 1}'])
def test_a_file_that_cannot_be_read_changes_nothing(
    keys: MeshKeys, clock: FakeClock, tmp_path: Path, content: str
) -> None:
    """The former keys stay in use, on both sides, until the file is whole again."""
    gateway, station = _identity("gateway", keys, clock), _identity("station", keys, clock)
    token = gateway.proofs("station")()
    (tmp_path / "keys" / "public" / "gateway.json").write_text(content)
    (tmp_path / "keys" / "private" / "gateway" / "key.pem").write_text(content)
    clock.advance(LIFETIME_S)
    assert station.part_of(gateway.proofs("station")()) == "gateway"
    assert station.part_of(token) is None


def test_weak_files_are_refused_at_the_start(keys: MeshKeys, clock: FakeClock, tmp_path: Path) -> None:
    """Each with the setting, the file and the remedy; and never with the key."""
    private = tmp_path / "keys" / "private" / "gateway" / "key.pem"
    public = tmp_path / "keys" / "public" / "gateway.json"
    private.chmod(0o644)
    with pytest.raises(SettingError, match=r"^CSMS_MESH_KEY_FILE: .*key\.pem is open to others: `chmod 600` it$"):
        _identity("gateway", keys, clock)
    private.chmod(0o640)
    public.chmod(0o666)
    with pytest.raises(SettingError, match=r"^CSMS_MESH_PUBLIC_KEYS: others can write to .*gateway\.json"):
        _identity("gateway", keys, clock)
    public.chmod(0o644)
    _identity("gateway", keys, clock)
    public.parent.chmod(0o777)
    with pytest.raises(SettingError, match="others can write to"):
        _identity("gateway", keys, clock)


def test_files_that_do_not_fit_are_refused_at_the_start(keys: MeshKeys, clock: FakeClock, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    gateway, station = (dict(keys.settings(part)) for part in ("gateway", "station"))
    with pytest.raises(
        SettingError, match=r"is not the key of station: by CSMS_MESH_PUBLIC_KEYS it belongs to gateway"
    ):
        _identity("station", keys, clock, CSMS_MESH_KEY_FILE=gateway["CSMS_MESH_KEY_FILE"])
    (folder / "public" / "auth.json").replace(folder / "was auth.json")
    with pytest.raises(SettingError, match=r"cannot read the public keys of auth, .*auth\.json"):
        _identity("station", keys, clock)
    (folder / "public" / "auth.json").write_text('{"keys": []}')
    with pytest.raises(SettingError, match="has no key of auth"):
        _identity("station", keys, clock)
    (folder / "public" / "auth.json").write_bytes((folder / "public" / "gateway.json").read_bytes())
    with pytest.raises(SettingError, match="have the same key"):
        _identity("station", keys, clock)
    private = Path(station["CSMS_MESH_KEY_FILE"])
    private.write_bytes((folder / "public" / "station.json").read_bytes())
    with pytest.raises(SettingError, match=r"CSMS_MESH_KEY_FILE: .* is no private key"):
        _identity("station", keys, clock)
    private.unlink()
    with pytest.raises(SettingError, match=r"CSMS_MESH_KEY_FILE: cannot read .*: No such file"):
        _identity("station", keys, clock)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "CSMS_MESH_KEY_FILE is not set: `python -m deploy.mesh_keys FOLDER` makes the keys"),
        ({"CSMS_MESH_SECRET": "x"}, "CSMS_MESH_SECRET has fewer than 32 characters: leave it out"),
        ({"CSMS_MESH_SECRET": "x" * 31}, "CSMS_MESH_SECRET has fewer than 32 characters"),
        ({"CSMS_MESH_KEY_FILE": "key.pem"}, "both are needed"),
        ({"CSMS_MESH_PUBLIC_KEYS": "public", "CSMS_MESH_SECRET": SECRET}, "both are needed"),
    ],
)
def test_weak_and_missing_settings_are_refused(values: dict[str, str], message: str) -> None:
    with pytest.raises(SettingError) as caught:
        MeshSettings.read(Environment(values), "station")
    assert message in str(caught.value)
    assert "xx" not in str(caught.value)


def test_processes_of_two_releases_recognize_each_other_by_the_former_secret(keys: MeshKeys, clock: FakeClock) -> None:
    """An upgrade: new processes have their keys, and the secret too until no process of the release before is left."""
    new = _identity("station", keys, clock, CSMS_MESH_SECRET=SECRET)
    former = ((SECRET_KEY, SECRET),)
    assert new.part_of(former) == ANY_PART
    assert new.part_of(((SECRET_KEY, f"{SECRET}?"),)) is None
    sent = dict(new.proofs("auth")())
    assert sent[SECRET_KEY] == SECRET  # which is all that the release before reads
    assert _identity("auth", keys, clock).part_of(tuple(sent.items())) == "station"
    assert _identity("auth", keys, clock).part_of(former) is None
    # A wrong token is not made good by the secret.
    assert new.part_of(((TOKEN_KEY, "x"), *former)) is None


def test_a_mesh_that_has_no_keys_yet_goes_on_by_its_secret(clock: FakeClock) -> None:
    settings = MeshSettings.read(Environment({"CSMS_MESH_SECRET": SECRET}), "station")
    identity = MeshIdentity(settings, clock_s=lambda: clock() / 1_000_000)
    assert identity.part_of(identity.proofs("auth")()) == ANY_PART
    assert identity.part_of(()) is None
    assert SECRET not in repr(settings)
