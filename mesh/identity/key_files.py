"""The keys of the mesh as files: a private key for each part, and a folder with the public keys of all parts.

Both are read again once they have changed, so that keys are replaced without a restart. A change that cannot be used
is logged, and the former keys stay in use. `deploy/mesh_keys.py` makes the files.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_IRWXO, S_ISVTX, S_IWGRP, S_IWOTH, S_IXGRP

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from mesh.contract.services import MESH_SERVICES, OPTIONAL_OPERATOR_SERVICES
from mesh.runtime.logs import get_logger
from mesh.runtime.startup_errors import SettingError

log = get_logger(__name__)

ALGORITHM, CURVE = "ES256", "P-256"
PARTS: Sequence[str] = tuple(MESH_SERVICES)
# Parts that some meshes have: they call, and are not called. Without a public key nobody can be one.
OPTIONAL_PARTS: Sequence[str] = tuple(OPTIONAL_OPERATOR_SERVICES)
ALL_PARTS = (*PARTS, *OPTIONAL_PARTS)
# Files are looked at no more often than this: a key that is taken away holds no longer.
LOOK_EVERY_S = 1.0

ClockS = Callable[[], float]
"""Seconds since 1970."""

_Stamp = tuple[int, ...]
_READABLE_BY_OTHERS = S_IRWXO | S_IWGRP | S_IXGRP
_WRITABLE_BY_OTHERS = S_IWGRP | S_IWOTH


@dataclass(frozen=True, kw_only=True)
class PartKey:
    """A public key, and the part whose processes have the private one."""

    part: str
    key: ECKey


@dataclass(frozen=True, kw_only=True)
class PrivateKey:
    """A private key, with the id of its public one."""

    key: ECKey = field(repr=False)
    key_id: str


def key_id(key: ECKey) -> str:
    """The id of a key: the beginning of its thumbprint (RFC 7638), 96 bits."""
    return key.thumbprint()[:16]


def public_keys_file(folder: Path, part: str) -> Path:
    """The file with the public keys of a part: a JSON Web Key Set (RFC 7517)."""
    return folder / f"{part}.json"


def read_secret_file(path: Path, setting: str) -> bytes:
    """The content of a file that only its owner may write and no one but its owner and group may read.

    Raises SettingError, which names the setting and never shows the content.
    """
    try:
        if path.stat().st_mode & _READABLE_BY_OTHERS:
            raise SettingError(f"{setting}: {path} is open to others: `chmod 600` it")
        return path.read_bytes()
    except OSError as error:
        raise SettingError(f"{setting}: cannot read {path}: {error.strerror}") from error


class PrivateKeyFile:
    """The private key of this process's part."""

    def __init__(self, path: Path, *, clock_s: ClockS) -> None:
        """Reads it. Raises SettingError."""
        self._path = path
        self._watch = _Watch([path], clock_s=clock_s)
        self.current = self._read()

    def refresh(self) -> bool:
        """Reads the file again if it has changed; whether there is another key now."""
        if not self._watch.has_changed():
            return False
        former = self.current
        try:
            self.current = self._read()
        except SettingError as error:
            log.warning("the former mesh key stays in use", error=str(error))
            return False
        if former.key_id == self.current.key_id:
            return False
        log.info("mesh key replaced", key_id=self.current.key_id)
        return True

    def _read(self) -> PrivateKey:
        content = read_secret_file(self._path, "CSMS_MESH_KEY_FILE")
        try:
            key = ECKey.import_key(content)
        except (JoseError, ValueError, TypeError) as error:
            raise SettingError(f"CSMS_MESH_KEY_FILE: {self._path} is no private key in PEM") from error
        if not key.is_private or key.curve_name != CURVE:
            raise SettingError(f"CSMS_MESH_KEY_FILE: {self._path} is no private key of the curve {CURVE}")
        return PrivateKey(key=key, key_id=key_id(key))


class PublicKeyFolder:
    """The public keys of all parts, by their ids."""

    def __init__(self, folder: Path, *, clock_s: ClockS) -> None:
        """Reads them. Raises SettingError where a part has none."""
        self._folder = folder
        self._watch = _Watch([public_keys_file(folder, part) for part in ALL_PARTS], clock_s=clock_s)
        self._by_part = {part: self._read(part) for part in PARTS}
        self._by_part |= {part: self._read_optional(part) for part in OPTIONAL_PARTS}
        self.keys = _by_id(self._by_part)
        if without := [part for part in PARTS if not self._by_part[part]]:
            raise SettingError(f"CSMS_MESH_PUBLIC_KEYS: {folder} has no key of {', '.join(without)}")

    def refresh(self, *, at_once: bool = False) -> bool:
        """Reads the files again if one has changed; whether the keys are other ones now.

        Looks once in LOOK_EVERY_S seconds, or `at_once`.
        """
        if not self._watch.has_changed(at_once=at_once):
            return False
        by_part = {part: self._read_or_keep(part) for part in ALL_PARTS}
        try:
            keys = _by_id(by_part)
        except SettingError as error:
            log.warning("the former public keys of the mesh stay in use", error=str(error))
            return False
        has_changed = keys.keys() != self.keys.keys()
        self._by_part, self.keys = by_part, keys
        if has_changed:
            log.info("public keys of the mesh read again", keys={part: len(each) for part, each in by_part.items()})
        return has_changed

    def _read_or_keep(self, part: str) -> Sequence[ECKey]:
        """The keys in the file of a part; none where it is not there any more."""
        if not public_keys_file(self._folder, part).exists():
            if self._by_part[part]:
                log.warning("a part of the mesh has no public key any more: it is refused", part=part)
            return ()
        try:
            return self._read(part)
        except SettingError as error:
            log.warning("the former public keys of a part stay in use", part=part, error=str(error))
            return self._by_part[part]

    def _read_optional(self, part: str) -> Sequence[ECKey]:
        return self._read(part) if public_keys_file(self._folder, part).exists() else ()

    def _read(self, part: str) -> Sequence[ECKey]:
        path = public_keys_file(self._folder, part)
        try:
            folder_mode, mode = path.parent.stat().st_mode, path.stat().st_mode
            content = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"CSMS_MESH_PUBLIC_KEYS: cannot read the public keys of {part}, {path}") from error
        if mode & _WRITABLE_BY_OTHERS or (folder_mode & _WRITABLE_BY_OTHERS and not folder_mode & S_ISVTX):
            raise SettingError(f"CSMS_MESH_PUBLIC_KEYS: others can write to {path}: `chmod go-w` it and its folder")
        return [_public_key(one, path) for one in _key_set(content, path)]


class _Watch:
    """Notes when files change, by time, size and inode."""

    def __init__(self, paths: Iterable[Path], *, clock_s: ClockS) -> None:
        self._paths = tuple(paths)
        self._clock_s = clock_s
        self._looked_s = clock_s()
        self._stamps = self._look()

    def has_changed(self, *, at_once: bool = False) -> bool:
        """Whether a file is another one than when it looked last. Looks once in LOOK_EVERY_S seconds, or `at_once`."""
        now_s = self._clock_s()
        if 0 <= now_s - self._looked_s < LOOK_EVERY_S and not at_once:
            return False
        self._looked_s = now_s
        former, self._stamps = self._stamps, self._look()
        return former != self._stamps

    def _look(self) -> Sequence[_Stamp]:
        return [_stamp(path) for path in self._paths]


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode)


def _key_set(content: str, path: Path) -> Sequence[ECKey]:
    try:
        found = json.loads(content)
        if found == {"keys": []}:  # which the library refuses
            return ()
        return [key for key in KeySet.import_key_set(found).keys if isinstance(key, ECKey)]
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise SettingError(f"CSMS_MESH_PUBLIC_KEYS: {path} is no JSON Web Key Set") from error


def _public_key(key: ECKey, path: Path) -> ECKey:
    if key.is_private:
        raise SettingError(f"CSMS_MESH_PUBLIC_KEYS: {path} has a private key")
    if key.curve_name != CURVE:
        raise SettingError(f"CSMS_MESH_PUBLIC_KEYS: {path} has a key that is not of the curve {CURVE}")
    return key


def _by_id(by_part: Mapping[str, Iterable[ECKey]]) -> Mapping[str, PartKey]:
    """The keys by their ids. Raises SettingError where two parts have the same key."""
    found: dict[str, PartKey] = {}
    for part, keys in by_part.items():
        for key in keys:
            other = found.setdefault(key_id(key), PartKey(part=part, key=key))
            if other.part != part:
                raise SettingError(f"CSMS_MESH_PUBLIC_KEYS: {part} and {other.part} have the same key")
    return found
