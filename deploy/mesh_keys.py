"""Makes the keys of a mesh: `python -m deploy.mesh_keys FOLDER`, and replaces them while the mesh runs.

    FOLDER/private/PART/key.pem   the private key of a part, for its processes alone: CSMS_MESH_KEY_FILE
    FOLDER/public/PART.json       the public keys of a part: all processes are given the folder, CSMS_MESH_PUBLIC_KEYS
    FOLDER/private/auth/encryption.key   for auth_svc alone: it encrypts the private keys in its database,
                                  CSMS_KEY_ENCRYPTION_FILE
    FOLDER/front-door/secret      for Envoy, and those that believe its address of a caller: CSMS_FRONT_DOOR_SECRET_FILE

Nothing that is there is made again. `--rotate PART` gives a part another key, and its former one stays valid for calls;
`--retire PART` leaves it the present one alone. Processes see a change within a second or two.
"""

import argparse
import base64
import json
import secrets
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from joserfc.jwk import ECKey, KeySet

from deploy.whole_files import write_whole
from mesh.identity.front_door import read_front_door_secrets
from mesh.identity.key_files import ALGORITHM, ALL_PARTS, CURVE, PARTS, key_id, public_keys_file
from mesh.runtime.process import EX_CONFIG
from mesh.runtime.settings import Environment

_SECRET_BYTES = 32
_PUBLIC = 0o644


class MeshKeys:
    """The folder with the keys of a mesh."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def encryption_key(self) -> Path:
        """The file with the key that encrypts the private keys in auth_svc's database."""
        return self._folder / "private" / "auth" / "encryption.key"

    @property
    def front_door_secret(self) -> Path:
        """The file with the secret by which Envoy proves itself."""
        return self._folder / "front-door" / "secret"

    def read_front_door_secret(self) -> str:
        """That secret. Raises SettingError."""
        [secret] = read_front_door_secrets(Environment(self.settings("gateway")))
        return secret

    def settings(self, part: str) -> Mapping[str, str]:
        """The settings by which a process of this part finds its own keys, and nobody else's."""
        return {
            "CSMS_MESH_KEY_FILE": str(self._private(part)),
            "CSMS_MESH_PUBLIC_KEYS": str(self._folder / "public"),
            "CSMS_FRONT_DOOR_SECRET_FILE": str(self.front_door_secret),
            **({"CSMS_KEY_ENCRYPTION_FILE": str(self.encryption_key)} if part == "auth" else {}),
        }

    def make(self, optional: Iterable[str] = ()) -> Sequence[str]:
        """Makes what is missing, also of parts that not every mesh has; returns what that was. Raises OSError."""
        made = [part for part in (*PARTS, *optional) if not self._private(part).exists()]
        for part in made:
            self.rotate(part)
        if not self.front_door_secret.exists():
            write_whole(self.front_door_secret, secrets.token_hex(_SECRET_BYTES).encode())
            made.append("front door")
        if not self.encryption_key.exists():
            write_whole(self.encryption_key, base64.b64encode(secrets.token_bytes(_SECRET_BYTES)) + b"\n")
            made.append("encryption")
        return made

    def remove(self, part: str) -> None:
        """Takes the keys of a part away, if there are any: no process can be of that part any more. Raises OSError."""
        public_keys_file(self._folder / "public", part).unlink(missing_ok=True)
        self._private(part).unlink(missing_ok=True)

    def rotate(self, part: str) -> None:
        """Gives a part another key. The former one is valid until `retire`. Raises OSError."""
        key = ECKey.generate_key(CURVE)
        former = self._present(part)
        # Others know the public key before the first token is signed with the private one.
        self._publish(part, [key] if former is None else [key, former])
        write_whole(self._private(part), key.as_pem(private=True))

    def retire(self, part: str) -> None:
        """Leaves a part its present key alone: tokens of all others are refused. Raises OSError."""
        present = self._present(part)
        if present is None:
            raise FileNotFoundError(None, "there is no such key", str(self._private(part)))
        self._publish(part, [present])

    def _private(self, part: str) -> Path:
        return self._folder / "private" / part / "key.pem"

    def _present(self, part: str) -> ECKey | None:
        path = self._private(part)
        return ECKey.import_key(path.read_bytes()) if path.exists() else None

    def _publish(self, part: str, keys: Sequence[ECKey]) -> None:
        public = KeySet([ECKey.import_key(_public_jwk(key)) for key in keys]).as_dict(private=False)
        write_whole(public_keys_file(self._folder / "public", part), json.dumps(public, indent=1).encode(), _PUBLIC)


def _public_jwk(key: ECKey) -> dict[str, str | list[str]]:
    return {**key.as_dict(private=False), "kid": key_id(key), "alg": ALGORITHM, "use": "sig"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.mesh_keys", description="Makes the keys of a mesh.")
    parser.add_argument("folder", type=Path)
    change = parser.add_mutually_exclusive_group()
    change.add_argument("--rotate", metavar="PART", choices=ALL_PARTS, help="another key; the former one stays valid")
    change.add_argument("--retire", metavar="PART", choices=ALL_PARTS, help="the former keys are valid no longer")
    given = parser.parse_args(arguments)
    keys = MeshKeys(given.folder)
    try:
        if given.rotate:
            keys.rotate(given.rotate)
        elif given.retire:
            keys.retire(given.retire)
        else:
            made = keys.make()
            sys.stdout.write(f"made in {given.folder}: {', '.join(made) or 'nothing, all is there'}\n")
    except (OSError, ValueError) as error:
        sys.stderr.write(f"mesh_keys: {error}\n")
        return EX_CONFIG
    return 0


if __name__ == "__main__":
    sys.exit(main())
