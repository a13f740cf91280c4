"""RoleService, and the roles that users have: nobody gives, or manages, more than they have themselves."""

import grpc
import pytest
from csms.auth.v1.role_service_pb2 import (
    CreateRoleRequest,
    CustomRole,
    DeleteRoleRequest,
    GetRoleRequest,
    ListRolesRequest,
    UpdateRoleRequest,
)
from csms.auth.v1.user_service_pb2 import (
    ROLE_ADMINISTRATOR,
    ROLE_OPERATOR,
    ROLE_UNSPECIFIED,
    ROLE_VIEWER,
    ChangePasswordRequest,
    DeleteUserRequest,
    ListUsersRequest,
    RegisterRequest,
    ResetPasswordRequest,
    RoleAssignment,
    UpdateUserRequest,
    User,
    VerifyRequest,
)
from csms.auth.v1.user_service_pb2 import (
    Role as RoleValue,
)
from csms.options.v1 import options_pb2
from csms.options.v1.options_pb2 import Permission

from auth_svc.role_servicer import MOST_ROLES
from mesh.identity.callers import Role
from mesh.identity.permissions import permissions_of
from tests.auth_svc.conftest import PASSWORD, Auth, Metadata, bearer, refused

DENIED = grpc.StatusCode.PERMISSION_DENIED
INVALID = grpc.StatusCode.INVALID_ARGUMENT
USERS_WRITE, USERS_READ = options_pb2.PERMISSION_USERS_WRITE, options_pb2.PERMISSION_USERS_READ
STATIONS_READ, ROLES_WRITE = options_pb2.PERMISSION_STATIONS_READ, options_pb2.PERMISSION_ROLES_WRITE


async def _make(auth: Auth, role_id: str, *permissions: Permission.ValueType, metadata: Metadata | None = None) -> None:
    await auth.roles.CreateRole(
        CreateRoleRequest(role=CustomRole(role_id=role_id, permissions=permissions)),
        metadata=metadata or await auth.admin(),
    )


async def _user(
    auth: Auth, name: str, *assignments: RoleAssignment, role: RoleValue.ValueType = ROLE_UNSPECIFIED
) -> Metadata:
    request = RegisterRequest(username=name, password=PASSWORD, role=role, role_assignments=assignments)
    await auth.users.Register(request, metadata=await auth.admin())
    return bearer(await auth.login(name))


def _has(role_id: str, site_id: str = "") -> RoleAssignment:
    return RoleAssignment(role_id=role_id, site_id=site_id)


async def test_a_role_of_the_tenant_gives_its_permissions_and_no_others(auth: Auth) -> None:
    await _make(auth, "people", USERS_READ)
    paula = await _user(auth, "paula", _has("people"))
    await auth.users.ListUsers(ListUsersRequest(), metadata=paula)
    with refused(DENIED, "ROLE_TOO_LOW"):
        await auth.users.DeleteUser(DeleteUserRequest(username="admin"), metadata=paula)
    verified = await auth.users.Verify(VerifyRequest(), metadata=paula)
    assert verified.user.role == ROLE_UNSPECIFIED
    assert list(verified.user.role_assignments) == [_has("people")]


async def test_a_user_is_shown_the_own_permissions_and_the_place_of_each(auth: Auth) -> None:
    await _make(auth, "people", USERS_READ)
    paula = await _user(auth, "paula", _has("people"))
    verified = await auth.users.Verify(VerifyRequest(), metadata=paula)
    shown = {(permission, grant.site_id) for grant in verified.grants for permission in grant.permissions}
    assert shown == {(USERS_READ, ""), (options_pb2.PERMISSION_OWN_ACCOUNT, "")}


async def test_a_changed_role_counts_for_all_who_have_it(auth: Auth) -> None:
    await _make(auth, "people", USERS_READ)
    paula = await _user(auth, "paula", _has("people"))
    changed = await auth.roles.UpdateRole(
        UpdateRoleRequest(role=CustomRole(role_id="people", permissions=[STATIONS_READ])), metadata=await auth.admin()
    )
    assert list(changed.role.permissions) == [STATIONS_READ]
    with refused(DENIED, "ROLE_TOO_LOW"):
        await auth.users.ListUsers(ListUsersRequest(), metadata=paula)


async def test_a_role_in_a_site_counts_there_and_not_in_the_whole_tenant(auth: Auth) -> None:
    """Users stand in no site, so that their lists need the permission in the whole tenant."""
    await _make(auth, "people", USERS_READ)
    paula = await _user(auth, "paula", _has("people", "north"), _has("OPERATOR", "south"))
    with refused(DENIED, "SCOPE_TOO_NARROW"):
        await auth.users.ListUsers(ListUsersRequest(), metadata=paula)
    credential = await auth.access.credential(paula)
    assert credential is not None
    caller = await auth.access.caller(credential)
    scope = caller.scope(STATIONS_READ)
    assert scope is not None
    assert (scope.is_whole, scope.site_ids) == (False, frozenset({"south"}))


async def test_roles_are_listed_by_pages_the_built_in_ones_first(auth: Auth) -> None:
    for name in ("b-role", "a-role"):
        await _make(auth, name, STATIONS_READ)
    admin, listed, token = await auth.admin(), [], ""
    for _ in range(3):
        page = await auth.roles.ListRoles(ListRolesRequest(page_size=2, page_token=token), metadata=admin)
        listed += [role.role_id for role in page.roles]
        token = page.next_page_token
    assert (listed, token) == ([*sorted(Role.__members__), "a-role", "b-role"], "")
    viewer = (await auth.roles.GetRole(GetRoleRequest(role_id="VIEWER"), metadata=admin)).role
    assert (viewer.built_in, frozenset(viewer.permissions)) == (True, permissions_of(Role.VIEWER))


async def test_a_role_that_somebody_has_cannot_be_removed(auth: Auth) -> None:
    await _make(auth, "people", USERS_READ)
    await _user(auth, "paula", _has("people"))
    admin = await auth.admin()
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "ROLE_ASSIGNED"):
        await auth.roles.DeleteRole(DeleteRoleRequest(role_id="people"), metadata=admin)
    await auth.users.DeleteUser(DeleteUserRequest(username="paula"), metadata=admin)
    await auth.roles.DeleteRole(DeleteRoleRequest(role_id="people"), metadata=admin)
    with refused(grpc.StatusCode.NOT_FOUND, "ROLE_NOT_FOUND"):
        await auth.roles.GetRole(GetRoleRequest(role_id="people"), metadata=admin)
    assert [each["roleId"] for each in await auth.events("role.deleted")] == ["people"]


async def test_a_built_in_role_stays_as_it_is(auth: Auth) -> None:
    admin = await auth.admin()
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "ROLE_BUILT_IN"):
        await auth.roles.DeleteRole(DeleteRoleRequest(role_id="VIEWER"), metadata=admin)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "ROLE_BUILT_IN"):
        role = CustomRole(role_id="OPERATOR", permissions=[USERS_WRITE])
        await auth.roles.UpdateRole(UpdateRoleRequest(role=role), metadata=admin)


@pytest.mark.parametrize("role_id", ["", "VIEWER", "Big", "1st", "a" * 64, "a b", "nul\0"])
async def test_a_role_needs_an_id_of_its_own(auth: Auth, role_id: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _make(auth, role_id, STATIONS_READ)
    assert caught.value.code() is INVALID


async def test_a_role_is_made_once_and_with_known_permissions(auth: Auth) -> None:
    await _make(auth, "people", USERS_READ)
    with refused(grpc.StatusCode.ALREADY_EXISTS, "ROLE_EXISTS"):
        await _make(auth, "people", STATIONS_READ)
    with refused(INVALID, "INVALID_FIELD", "role.permissions"):
        await _make(auth, "others", Permission.ValueType(9999))


async def test_a_tenant_has_a_bounded_number_of_roles(auth: Auth) -> None:
    admin = await auth.admin()
    for number in range(MOST_ROLES):
        await _make(auth, f"role-{number}", metadata=admin)
    with refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ROLES"):
        await _make(auth, "one-more", metadata=admin)


async def test_nobody_makes_a_role_of_more_than_they_have(auth: Auth) -> None:
    """Neither a new one, nor an existing one that somebody, perhaps they, have."""
    await _make(auth, "role-maker", ROLES_WRITE, STATIONS_READ)
    rita = await _user(auth, "rita", _has("role-maker"))
    await _make(auth, "readers", STATIONS_READ, metadata=rita)
    with refused(DENIED, "BEYOND_OWN_PERMISSIONS"):
        await _make(auth, "writers", STATIONS_READ, USERS_WRITE, metadata=rita)
    with refused(DENIED, "BEYOND_OWN_PERMISSIONS"):
        role = CustomRole(role_id="role-maker", permissions=[ROLES_WRITE, STATIONS_READ, USERS_WRITE])
        await auth.roles.UpdateRole(UpdateRoleRequest(role=role), metadata=rita)
    fewer = CustomRole(role_id="role-maker", permissions=[ROLES_WRITE])
    await auth.roles.UpdateRole(UpdateRoleRequest(role=fewer), metadata=rita)


async def _manager(auth: Auth) -> Metadata:
    """A user who may manage users, and read stations in one site, and nothing else."""
    await _make(auth, "manager", USERS_WRITE, USERS_READ)
    await _make(auth, "reader", STATIONS_READ)
    return await _user(auth, "manu", _has("manager"), _has("reader", "north"))


async def test_nobody_assigns_more_than_they_have(auth: Auth) -> None:
    """Not to another, not to themselves, and not beyond the part of the tenant where they have it."""
    manu = await _manager(auth)
    await auth.users.Register(
        RegisterRequest(username="nora", password=PASSWORD, role_assignments=[_has("reader", "north")]), metadata=manu
    )
    beyond = [
        User(role=ROLE_VIEWER),
        User(role_assignments=[_has("reader")]),
        User(role_assignments=[_has("reader", "south")]),
        User(role_assignments=[_has("OPERATOR", "north")]),
    ]
    for user in beyond:
        for name in ("nora", "manu"):
            user.username = name
            with refused(DENIED, "BEYOND_OWN_PERMISSIONS"):
                await auth.users.UpdateUser(UpdateUserRequest(user=user), metadata=manu)
        request = RegisterRequest(
            username="new", password=PASSWORD, role=user.role, role_assignments=user.role_assignments
        )
        with refused(DENIED, "BEYOND_OWN_PERMISSIONS"):
            await auth.users.Register(request, metadata=manu)


async def test_nobody_manages_a_user_who_may_more(auth: Auth) -> None:
    """A new password, or other roles, of an administrator are a way to all that an administrator may."""
    manu = await _manager(auth)
    await _user(auth, "vera", role=ROLE_VIEWER)
    for name in ("admin", "vera"):
        with refused(DENIED, "BEYOND_OWN_PERMISSIONS"):
            await auth.users.ResetPassword(ResetPasswordRequest(username=name), metadata=manu)
        with refused(DENIED, "BEYOND_OWN_PERMISSIONS"):
            await auth.users.ChangePassword(
                ChangePasswordRequest(username=name, new_password="another secret"), metadata=manu
            )
        with refused(DENIED, "BEYOND_OWN_PERMISSIONS"):
            await auth.users.DeleteUser(DeleteUserRequest(username=name), metadata=manu)
        with refused(DENIED, "BEYOND_OWN_PERMISSIONS"):
            user = User(username=name, role_assignments=[_has("reader", "north")])
            await auth.users.UpdateUser(UpdateUserRequest(user=user), metadata=manu)


async def test_roles_of_a_user_are_changed_and_listed(auth: Auth) -> None:
    """The named fields change, and no others; the event has the new role."""
    await _make(auth, "reader", STATIONS_READ)
    await _user(auth, "otto", role=ROLE_OPERATOR)
    admin = await auth.admin()
    user = User(username="OTTO", role_assignments=[_has("reader", "north"), _has("ADMINISTRATOR", "south")])
    updated = (await auth.users.UpdateUser(UpdateUserRequest(user=user), metadata=admin)).user
    assert (updated.username, updated.role, len(updated.role_assignments)) == ("otto", ROLE_OPERATOR, 2)
    request = UpdateUserRequest(user=User(username="otto"))
    request.update_mask.paths.append("role")
    await auth.users.UpdateUser(request, metadata=admin)
    listed = {each.username: each for each in (await auth.users.ListUsers(ListUsersRequest(), metadata=admin)).users}
    assert listed["otto"].role == ROLE_UNSPECIFIED
    assert list(listed["otto"].role_assignments) == [_has("ADMINISTRATOR", "south"), _has("reader", "north")]
    assert [each["role"] for each in await auth.events("user.updated")] == ["ROLE_OPERATOR", "ROLE_UNSPECIFIED"]


async def test_the_last_administrator_stays_one(auth: Auth) -> None:
    """Of the whole tenant: one of a site is none."""
    await _user(auth, "sina", _has("ADMINISTRATOR", "south"))
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "LAST_ADMINISTRATOR"):
        user = User(username="admin", role=ROLE_VIEWER)
        await auth.users.UpdateUser(UpdateUserRequest(user=user), metadata=await auth.admin())
    await _user(auth, "ada", role=ROLE_ADMINISTRATOR)
    await auth.users.UpdateUser(UpdateUserRequest(user=user), metadata=await auth.admin())


async def test_what_cannot_be_assigned_is_refused(auth: Auth) -> None:
    admin = await auth.admin()
    with refused(grpc.StatusCode.NOT_FOUND, "ROLE_NOT_FOUND"):
        await _user(auth, "paula", _has("nothing"))
    with refused(INVALID, "INVALID_FIELD", "role_assignments[0].site_id"):
        await _user(auth, "paula", _has("VIEWER"))
    with refused(INVALID, "INVALID_FIELD", "role_assignments"):
        await _user(auth, "paula", *[_has("VIEWER", str(number)) for number in range(101)])
    with refused(INVALID, "INVALID_FIELD", "update_mask"):
        await auth.users.UpdateUser(UpdateUserRequest(user=User(username="admin")), metadata=admin)
    request = UpdateUserRequest(user=User(username="admin"))
    request.update_mask.paths.append("create_time")
    with refused(INVALID, "INVALID_FIELD", "update_mask"):
        await auth.users.UpdateUser(request, metadata=admin)


async def test_a_user_of_a_name_that_was_removed_inherits_no_role(auth: Auth) -> None:
    await _make(auth, "people", USERS_READ)
    await _user(auth, "paula", _has("people"))
    await auth.users.DeleteUser(DeleteUserRequest(username="paula"), metadata=await auth.admin())
    paula = await _user(auth, "paula", role=ROLE_VIEWER)
    with refused(DENIED, "ROLE_TOO_LOW"):
        await auth.users.ListUsers(ListUsersRequest(), metadata=paula)
