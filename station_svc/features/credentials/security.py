"""Commands that change how a station authenticates: its credential, its security profile. Their effects hold here too.

OCPP 1.6 has the variables AuthorizationKey and SecurityProfile (security whitepaper, 2 and 5.1), OCPP 2.x
BasicAuthPassword and SecurityProfile of SecurityCtrlr, and the profile of SetNetworkProfile (2.0.1 part 2, A01, A05).
"""

from collections.abc import Sequence

import grpc
from csms.station.v1 import command_service_pb2, network_profile_pb2, station_pb2
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.commands.guard import check_variables
from station_svc.commands.hooks import NO_HOOKS, CommandHooks
from station_svc.commands.outcomes import Outcome, outcome_of
from station_svc.commands.profiles import profile_among
from station_svc.commands.rows import NewCommand
from station_svc.commands.socket_closer import SocketCloser
from station_svc.commands.variables import RememberVariables
from station_svc.core.digests import StoredCredential, store_credential
from station_svc.core.profiles import BASIC_OVER_TLS, BY_CERTIFICATE, NO_PROOF
from station_svc.core.station_rows import Socket
from station_svc.features.credentials import profile_store, store
from station_svc.features.credentials.profile_store import StationSecurity

COMPONENT = "SecurityCtrlr"
PASSWORD = "BasicAuthPassword"  # noqa: S105 - a name

# RFC 6455's registry: "service restart", by which a station that is closed comes back at once.
COME_BACK_CLOSE_CODE = 1012
COME_BACK_REASON = "come back with the new credentials"

TAKEN = frozenset(
    {command_service_pb2.SET_VARIABLE_STATUS_ACCEPTED, command_service_pb2.SET_VARIABLE_STATUS_REBOOT_REQUIRED}
)
"""The answers of a station about a variable that it has, now or once it restarts."""


def hooks_of(variables: Sequence[station_pb2.Variable]) -> CommandHooks:
    """The hooks for setting these variables, as far as they concern the station's security.

    Raises MeshError USE_ROTATE_CREDENTIAL for a credential, and INVALID_FIELD for a profile that is none or not alone.
    """
    check_variables(variables)
    profile = profile_among(variables)
    return NO_HOOKS if profile is None else SendProfile(profile)


class HandOver(RememberVariables):
    """Delivers a credential to a station: valid from the moment it is sent, the only one once the station accepted it.

    Where it stays unknown whether it did, both are valid, until the station connects with the new one. Then its socket
    is closed, so that it reconnects. `begun_here`: whether this credential was sent, rather than an earlier one of the
    same request id.
    """

    hands_over_credential = True

    def __init__(self, *, credential: str, closer: SocketCloser) -> None:
        self.begun_here = False
        self._credential = store_credential(credential.encode())
        self._closer = closer
        self._sockets: Sequence[Socket] = ()

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """See CommandHooks."""
        super().on_begin(connection, new, now_us)
        store.offer_next(connection, tenant_id=new.tenant_id, station_id=new.station_id, credential=self._credential)
        self.begun_here = True

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """See CommandHooks."""
        super().on_outcome(connection, new, outcome, now_us)
        status = _status(outcome)
        names = {"tenant_id": new.tenant_id, "station_id": new.station_id}
        credential: StoredCredential = self._credential
        if status == command_service_pb2.SET_VARIABLE_STATUS_ACCEPTED:
            self._sockets = store.take_next(connection, **names, credential=credential, now_us=now_us)
        elif _is_refusal(status, outcome):
            store.withdraw_next(connection, **names, credential=credential)

    def on_committed(self) -> None:
        """See CommandHooks."""
        for socket in self._sockets:
            self._closer.close_soon(socket, COME_BACK_CLOSE_CODE, COME_BACK_REASON)


class SendProfile(CommandHooks):
    """Sends a station a security profile: accepted beside its own from then on, required once it connects by it.

    Where the station surely did not take it, its own is the only one again. `is_in_use`: whether the station changes
    over by this command, rather than by a later one that chooses its network profile.
    """

    def __init__(self, profile: int, *, is_in_use: bool = True) -> None:
        self._profile = profile
        self._is_in_use = is_in_use
        self._former: int | None = None  # the next profile before; None where nothing was changed

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """See CommandHooks. Raises MeshError SECURITY_PROFILE_LOWERED or CREDENTIAL_MISSING: nothing is sent then."""
        security = profile_store.hold(connection, tenant_id=new.tenant_id, station_id=new.station_id)
        if not (self._is_in_use or security.profile or security.has_credential):
            return  # nothing is asked of it, whatever it connects by, and it could confirm nothing
        _check_change(security, self._profile)
        if self._profile != security.profile:
            self._former = security.next_profile
            profile_store.set_next(
                connection,
                tenant_id=new.tenant_id,
                station_id=new.station_id,
                profile=self._profile,
                now_us=now_us,
            )

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """See CommandHooks."""
        if self._former is None or not _is_profile_refused(outcome):
            return
        profile_store.withdraw_next(
            connection,
            tenant_id=new.tenant_id,
            station_id=new.station_id,
            profile=self._profile,
            former=self._former,
            now_us=now_us,
        )


def _check_change(security: StationSecurity, profile: int) -> None:
    """Raises MeshError where the station may not be sent this profile, or could not connect by it."""
    is_downgrade = (security.profile, profile) == (BY_CERTIFICATE, BASIC_OVER_TLS) and security.allows_downgrade
    if profile < security.profile and not is_downgrade:
        raise MeshError(
            grpc.StatusCode.FAILED_PRECONDITION,
            Reason.SECURITY_PROFILE_LOWERED,
            f"the station has security profile {security.profile}, and goes back to {profile} by a reset on site alone "
            "(from 3 to 2 over 2.x too, where its AllowSecurityProfileDowngrade is true): lower it here afterwards, by "
            "StationService.UpdateStation; nothing was sent",
        )
    if profile not in (NO_PROOF, BY_CERTIFICATE) and not security.has_credential:
        raise MeshError(
            grpc.StatusCode.FAILED_PRECONDITION,
            Reason.CREDENTIAL_MISSING,
            "the station has no credentials to prove itself with: hand it some first (RotateCredential)",
        )


def _is_profile_refused(outcome: Message | MeshError) -> bool:
    if isinstance(outcome, network_profile_pb2.SetNetworkProfileResponse):
        return outcome.status != network_profile_pb2.SET_NETWORK_PROFILE_STATUS_ACCEPTED
    return _is_refusal(_status(outcome), outcome)


def _status(outcome: Message | MeshError) -> int:
    """The station's answer for the one variable; 0 where that is not known."""
    if isinstance(outcome, command_service_pb2.SetVariablesResponse) and len(outcome.results) == 1:
        return outcome.results[0].status
    return command_service_pb2.SET_VARIABLE_STATUS_UNSPECIFIED


def _is_refusal(status: int, outcome: Message | MeshError) -> bool:
    """Whether the station surely did not take what it was to be sent."""
    if isinstance(outcome, MeshError):
        return outcome_of(outcome) in (Outcome.UNSENT, Outcome.REFUSED)
    return bool(status) and status not in TAKEN
