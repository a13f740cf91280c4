"""The work of an administrator over REST before a walk: users, roles, API keys."""

from typing import Any

from csms.options.v1.options_pb2 import Permission

from tests.running_mesh import RunningMesh

PASSWORD = "a long and quiet secret"
# Everything that a walk adds has this in its name: no answer of a refusal may have it.
MARK = "walkmark"

Bearer = dict[str, str]


class Administration:
    """The work of an administrator over REST before the walk."""

    def __init__(self, mesh: RunningMesh, bearer: Bearer) -> None:
        self._mesh = mesh
        self._bearer = bearer

    def post(self, path: str, body: Any) -> Any:
        """The answer to a POST, which succeeds; something that is there already is as good."""
        answer = self._mesh.request("POST", path, body=body, **self._bearer)
        assert answer.status in (200, 409), answer
        return answer.json

    def delete(self, path: str) -> None:
        """A DELETE, which succeeds."""
        answer = self._mesh.request("DELETE", path, **self._bearer)
        assert answer.status == 200, answer

    def patch(self, path: str, body: Any) -> None:
        """A PATCH, which succeeds."""
        answer = self._mesh.request("PATCH", path, body=body, **self._bearer)
        assert answer.status == 200, answer

    def user(self, name: str, **roles: Any) -> Bearer:
        """A new user's access token."""
        self.post("/v1/auth:register", {"username": name, "password": PASSWORD, **roles})
        return self.login(name)

    def login(self, name: str, **more: str) -> Bearer:
        """An access token of a user of the walk."""
        body = {"username": name, "password": PASSWORD, **more}
        answer = self._mesh.request("POST", "/v1/auth:login", body=body)
        assert answer.status == 200, answer
        return {"authorization": f"Bearer {answer.json['accessToken']}"}

    def custom_role(self, role_id: str, permissions: frozenset[int]) -> Bearer:
        """The access token of a user who has a role of these permissions, and no other."""
        self.post("/v1/roles", {"role": {"roleId": role_id, "permissions": _names(permissions)}})
        return self.user(f"walker-{role_id}", role_assignments=[{"roleId": role_id}])

    def api_key(self, permissions: frozenset[int], **more: str) -> Bearer:
        """The header of an API key with these permissions."""
        body = {"apiKey": {"displayName": f"{MARK}-key", "permissions": _names(permissions), **more}}
        return {"x-api-key": self.post("/v1/apiKeys", body)["secret"]}


def _names(permissions: frozenset[int]) -> list[str]:
    return [Permission.Name(Permission.ValueType(each)) for each in sorted(permissions)]
