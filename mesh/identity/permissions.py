"""The role that has each permission of the contract, and with it the rule of each method for operators."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import grpc
from csms.options.v1 import options_pb2
from csms.options.v1.options_pb2 import Permission, ScopeRule
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from mesh.contract.options import access_of
from mesh.identity.callers import Caller, Role, Scope
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.startup_errors import ContractError

# The least role that has a permission; higher roles have it too.
LEAST_ROLES: Mapping[Permission.ValueType, Role] = {
    options_pb2.PERMISSION_OWN_ACCOUNT: Role.VIEWER,
    options_pb2.PERMISSION_USERS_READ: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_USERS_WRITE: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_ROLES_READ: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_ROLES_WRITE: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_API_KEYS_READ: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_API_KEYS_WRITE: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_SIGN_INS_WRITE: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_SIGNING_KEYS_WRITE: Role.PLATFORM_ADMINISTRATOR,
    options_pb2.PERMISSION_STATIONS_READ: Role.VIEWER,
    options_pb2.PERMISSION_STATIONS_WRITE: Role.OPERATOR,
    options_pb2.PERMISSION_STATION_CREDENTIALS_WRITE: Role.OPERATOR,
    options_pb2.PERMISSION_STATIONS_COMMAND: Role.OPERATOR,
    options_pb2.PERMISSION_STATIONS_SEND_CALL: Role.OPERATOR,
    options_pb2.PERMISSION_MESSAGE_LOG_READ: Role.VIEWER,
    options_pb2.PERMISSION_DATA_TRANSFERS_READ: Role.VIEWER,
    options_pb2.PERMISSION_SECURITY_EVENTS_READ: Role.VIEWER,
    options_pb2.PERMISSION_CHARGING_PROFILES_READ: Role.VIEWER,
    options_pb2.PERMISSION_CHARGING_PROFILES_WRITE: Role.OPERATOR,
    options_pb2.PERMISSION_RESERVATIONS_READ: Role.VIEWER,
    options_pb2.PERMISSION_RESERVATIONS_WRITE: Role.OPERATOR,
    options_pb2.PERMISSION_LOCAL_LISTS_READ: Role.VIEWER,
    options_pb2.PERMISSION_LOCAL_LISTS_WRITE: Role.OPERATOR,
    options_pb2.PERMISSION_FIRMWARE_READ: Role.VIEWER,
    options_pb2.PERMISSION_FIRMWARE_WRITE: Role.OPERATOR,
    options_pb2.PERMISSION_LOG_UPLOADS_READ: Role.VIEWER,
    options_pb2.PERMISSION_LOG_UPLOADS_WRITE: Role.OPERATOR,
    options_pb2.PERMISSION_STATION_CERTIFICATES_READ: Role.VIEWER,
    options_pb2.PERMISSION_STATION_CERTIFICATES_WRITE: Role.OPERATOR,
    options_pb2.PERMISSION_ROLLOUTS_READ: Role.VIEWER,
    options_pb2.PERMISSION_ROLLOUTS_WRITE: Role.OPERATOR,
    options_pb2.PERMISSION_SITES_READ: Role.VIEWER,
    options_pb2.PERMISSION_SITES_WRITE: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_TRANSACTIONS_READ: Role.VIEWER,
    options_pb2.PERMISSION_TRANSACTIONS_WRITE: Role.OPERATOR,
    options_pb2.PERMISSION_QUARANTINE_READ: Role.VIEWER,
    options_pb2.PERMISSION_QUARANTINE_WRITE: Role.OPERATOR,
    options_pb2.PERMISSION_METER_PROFILES_READ: Role.VIEWER,
    options_pb2.PERMISSION_METER_PROFILES_WRITE: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_ENERGY_READ: Role.VIEWER,
    options_pb2.PERMISSION_ID_TOKENS_READ: Role.VIEWER,
    options_pb2.PERMISSION_ID_TOKENS_WRITE: Role.OPERATOR,
    options_pb2.PERMISSION_ISSUED_CERTIFICATES_READ: Role.VIEWER,
    options_pb2.PERMISSION_ISSUED_CERTIFICATES_WRITE: Role.OPERATOR,
    options_pb2.PERMISSION_EVENTS_READ: Role.VIEWER,
    options_pb2.PERMISSION_CONDITIONS_WRITE: Role.OPERATOR,
    options_pb2.PERMISSION_AUDIT_READ: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_AUDIT_EXPORT: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_TENANTS_READ: Role.PLATFORM_ADMINISTRATOR,
    options_pb2.PERMISSION_TENANTS_WRITE: Role.PLATFORM_ADMINISTRATOR,
    options_pb2.PERMISSION_TENANT_SETTINGS_READ: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_TENANT_SETTINGS_WRITE: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_TENANT_DATA_EXPORT: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_DRIVER_DATA_EXPORT: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_DRIVER_DATA_ERASE: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_SIMULATOR_READ: Role.VIEWER,
    options_pb2.PERMISSION_SIMULATOR_WRITE: Role.OPERATOR,
    options_pb2.PERMISSION_MONITORS_READ: Role.VIEWER,
    options_pb2.PERMISSION_MONITORS_WRITE: Role.OPERATOR,
    options_pb2.PERMISSION_ALARMS_READ: Role.VIEWER,
    options_pb2.PERMISSION_CUSTOMER_INFORMATION_READ: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_CUSTOMER_INFORMATION_WRITE: Role.ADMINISTRATOR,
    options_pb2.PERMISSION_DISPLAY_MESSAGES_READ: Role.VIEWER,
    options_pb2.PERMISSION_DISPLAY_MESSAGES_WRITE: Role.OPERATOR,
}

# All that a platform administrator may: the tenants, the users of the tenant `platform`, the keys that all share.
PLATFORM_PERMISSIONS: frozenset[Permission.ValueType] = frozenset(
    {
        options_pb2.PERMISSION_OWN_ACCOUNT,
        options_pb2.PERMISSION_USERS_READ,
        options_pb2.PERMISSION_USERS_WRITE,
        options_pb2.PERMISSION_SIGNING_KEYS_WRITE,
        options_pb2.PERMISSION_TENANTS_READ,
        options_pb2.PERMISSION_TENANTS_WRITE,
    }
)

_PERMISSIONS: Mapping[Role, frozenset[Permission.ValueType]] = {
    **{role: frozenset(permission for permission, least in LEAST_ROLES.items() if role >= least) for role in Role},
    Role.PLATFORM_ADMINISTRATOR: PLATFORM_PERMISSIONS,
}


def permissions_of(role: Role) -> frozenset[Permission.ValueType]:
    """The permissions of a built-in role."""
    return _PERMISSIONS[role]


def permission_name(permission: Permission.ValueType) -> str:
    """The name of a permission for people: `STATIONS_READ`."""
    return Permission.Name(permission).removeprefix("PERMISSION_")


def scope_of(caller: Caller, permission: Permission.ValueType) -> Scope:
    """The part of the tenant that a permission covers. Raises MeshError where the caller has it nowhere."""
    scope = caller.scope(permission)
    if scope is None:
        raise MeshError(
            grpc.StatusCode.PERMISSION_DENIED,
            Reason.ROLE_TOO_LOW,
            f"this needs the permission {permission_name(permission)}, which {caller.username} does not have",
        )
    return scope


@dataclass(frozen=True, kw_only=True)
class MethodRule:
    """The callers that a method serves: those with a permission, or everyone where that is None.

    For a method that serves everyone, `ignores_invalid_token` is whether an invalid token counts as none. `scope` is
    the effect of the part of the tenant that the permission covers. With `takes_ticket` the request's field `ticket`
    may say who calls.
    """

    permission: Permission.ValueType | None
    scope: ScopeRule.ValueType = options_pb2.SCOPE_RULE_UNSPECIFIED
    ignores_invalid_token: bool = False
    takes_ticket: bool = False


def method_rules(files: FileDescriptorSet, services: Iterable[str]) -> dict[str, MethodRule]:
    """The rule of each method of these services for operators, by its full name: `/package.Service/Method`.

    Raises ContractError for a method that does not state its access, and for a permission that no role has.
    """
    return {method: _rule(method, access) for method, access in access_of(files, services).items()}


def _rule(method: str, access: options_pb2.Access) -> MethodRule:
    if access.WhichOneof("rule") == "public_access":
        ignores = access.public_access == options_pb2.PUBLIC_ACCESS_IGNORE_INVALID_TOKEN
        return MethodRule(permission=None, ignores_invalid_token=ignores)
    if access.permission not in LEAST_ROLES:
        raise ContractError(
            f"no role has the permission that {method[1:]} needs, number {access.permission}: "
            "add it to LEAST_ROLES in mesh/identity/permissions.py"
        )
    return MethodRule(permission=access.permission, scope=access.scope, takes_ticket=access.ticket)
