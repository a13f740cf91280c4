"""The certificate that a station needs before it is sent security profile 3: it could not connect without one."""

import grpc
from sqlalchemy import Connection

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.rows import NewCommand
from station_svc.features.certificates import own_certificate_store as store


class NeedsCertificate(CommandHooks):
    """Refuses a command whose station has no certificate of its own. Raises MeshError CLIENT_CERTIFICATE_MISSING."""

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """See CommandHooks."""
        if not store.has_certificate(connection, tenant_id=new.tenant_id, station_id=new.station_id, now_us=now_us):
            raise MeshError(
                grpc.StatusCode.FAILED_PRECONDITION,
                Reason.CLIENT_CERTIFICATE_MISSING,
                "the station was given no certificate that is valid now, and its latest connection has shown none that "
                "names it: have it request one first (TriggerMessage of SIGN_CHARGING_STATION_CERTIFICATE); "
                "nothing was sent",
            )
