"""Network profiles of stations: a slot has what the station accepted last."""

from csms.station.v1 import network_profile_pb2 as pb
from google.protobuf import json_format
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.contract.texts import replace_nul
from mesh.runtime.errors import MeshError
from mesh.runtime.masking import mask_text
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.outcomes import Outcome, outcome_of
from station_svc.commands.rows import NewCommand
from station_svc.features.device_model import profile_store
from station_svc.features.device_model.rows import ProfileRow


class ProfileHooks(CommandHooks):
    """The hooks of SetNetworkProfile: the slot follows the station's answer."""

    def __init__(self, sent: pb.SetNetworkProfileRequest) -> None:
        self._number = sent.configuration_slot
        self._profile = without_secrets(sent.connection_data)

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """A profile that the station refused leaves the slot as it is."""
        accepted = pb.SET_NETWORK_PROFILE_STATUS_ACCEPTED
        if isinstance(outcome, pb.SetNetworkProfileResponse):
            if outcome.status != accepted:
                return
        elif outcome_of(outcome) is not Outcome.UNKNOWN:
            return
        row = ProfileRow(
            tenant_id=new.tenant_id,
            station_id=new.station_id,
            configuration_slot=self._number,
            profile=json_format.MessageToJson(self._profile, indent=None),
            status=0 if isinstance(outcome, MeshError) else accepted,
            username=new.username,
            update_us=now_us,
        )
        profile_store.save(connection, row)


def without_secrets(profile: pb.NetworkConnectionProfile) -> pb.NetworkConnectionProfile:
    """The profile as it is stored and shown."""
    shown = pb.NetworkConnectionProfile()
    shown.CopyFrom(profile)
    shown.ocpp_csms_url = replace_nul(mask_text(shown.ocpp_csms_url))
    if shown.HasField("vpn"):
        shown.vpn.ClearField("password")
        shown.vpn.ClearField("key")
    if shown.HasField("apn"):
        shown.apn.ClearField("password")
        shown.apn.ClearField("sim_pin")
    return shown
