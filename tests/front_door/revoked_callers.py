"""Callers whose credential was good, and is not any more: no service serves it 5 s after that."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from csms.options.v1 import options_pb2

from mesh.identity.callers import Role
from mesh.identity.permissions import permissions_of
from tests.front_door.administration import PASSWORD, Administration, Bearer
from tests.front_door.walk import Visitor
from tests.running_mesh import RunningMesh

WITHIN_S = 5.0
# No reading of a clock is that exact, and neither is a call under load.
MARGIN_S = 1.0
# One method of each service.
_PATHS = ("/v1/stations", "/v1/transactions", "/v1/users", "/v1/events")
_KEY_LASTS_S = 4.0
_LOOK_S = 0.1  # between two looks: wrong API keys are limited by their source
_OWN = frozenset({options_pb2.PERMISSION_OWN_ACCOUNT})
_EVERY = permissions_of(Role.ADMINISTRATOR) - _OWN


def revoked_callers(mesh: RunningMesh, administration: Administration) -> list[Visitor]:
    """A caller for each way to lose what one may do. The front door still lets their tokens through."""
    with ThreadPoolExecutor() as threads:  # each of them waits until every service has noticed
        signed_in = {
            name: threads.submit(revoke, mesh, administration)
            for name, revoke in {
                "revoked: ended sign-in": _ended_sign_in,
                "revoked: removed user": _removed_user,
                "revoked: new password": _new_password,
            }.items()
        }
        taken = threads.submit(_without_its_role, mesh, administration)
        # One after the other: wrong API keys are limited by their source.
        keys = {
            "revoked: API key": _revoked_key(mesh, administration),
            "revoked: API key whose time is over": _key_that_is_over(mesh, administration),
        }
        headers = {**{name: revoked.result() for name, revoked in signed_in.items()}, **keys}
    found = [Visitor(name=name, headers=each) for name, each in headers.items()]
    return [*found, Visitor(name="revoked: role taken away", headers=taken.result(), permissions=_OWN)]


def _after(mesh: RunningMesh, bearer: Bearer, revoke: Callable[[], None], *, status: int = 401) -> Bearer:
    """The credential, once every service refuses it."""
    assert {mesh.request("GET", path, **bearer).status for path in _PATHS} == {200}
    revoke()
    revoked_s = time.monotonic()
    while (found := {mesh.request("GET", path, **bearer).status for path in _PATHS}) != {status}:
        assert time.monotonic() - revoked_s < WITHIN_S + MARGIN_S, found
        time.sleep(_LOOK_S)
    return bearer


def _ended_sign_in(mesh: RunningMesh, administration: Administration) -> Bearer:
    bearer = administration.user("walker-revoked", role="ROLE_ADMINISTRATOR")

    def log_out() -> None:
        assert mesh.request("POST", "/v1/auth:logout", body={}, **bearer).status == 200

    return _after(mesh, bearer, log_out)


def _removed_user(mesh: RunningMesh, administration: Administration) -> Bearer:
    bearer = administration.user("walker-removed", role="ROLE_ADMINISTRATOR")
    return _after(mesh, bearer, lambda: administration.delete("/v1/users/walker-removed"))


def _new_password(mesh: RunningMesh, administration: Administration) -> Bearer:
    bearer = administration.user("walker-new-password", role="ROLE_ADMINISTRATOR")

    def change() -> None:
        body = {"currentPassword": PASSWORD, "newPassword": f"{PASSWORD} again"}
        path = "/v1/users/walker-new-password:changePassword"
        assert mesh.request("POST", path, body=body, **bearer).status == 200
        administration.delete("/v1/users/walker-new-password")  # so that this can run again

    return _after(mesh, bearer, change)


def _revoked_key(mesh: RunningMesh, administration: Administration) -> Bearer:
    key = administration.api_key(_EVERY)
    prefix = key["x-api-key"].split("_")[1]
    return _after(mesh, key, lambda: administration.delete(f"/v1/apiKeys/{prefix}"))


def _key_that_is_over(mesh: RunningMesh, administration: Administration) -> Bearer:
    over = datetime.now(UTC) + timedelta(seconds=_KEY_LASTS_S)
    key = administration.api_key(_EVERY, expireTime=over.isoformat())

    def wait() -> None:
        while datetime.now(UTC) < over:
            time.sleep(_LOOK_S)

    return _after(mesh, key, wait)


def _without_its_role(mesh: RunningMesh, administration: Administration) -> Bearer:
    bearer = administration.user("walker-role", role="ROLE_ADMINISTRATOR")

    def take_away() -> None:
        administration.patch("/v1/users/walker-role?updateMask=role", {"role": "ROLE_UNSPECIFIED"})

    return _after(mesh, bearer, take_away, status=403)
