"""Registers remote control with the service."""

import secrets

from csms.station.v1 import command_service_pb2 as pb

from mesh.grpc.types import Context
from station_svc.commands.hooks import NO_HOOKS, CommandHooks
from station_svc.commands.reader_forms import ReaderForms
from station_svc.feature import Feature, FeatureParts, Resources, as_it_is
from station_svc.features.remote_control.transactions import TransactionLookup


def _build(resources: Resources) -> FeatureParts:
    transactions = TransactionLookup(channel=resources.transactions)
    forms = ReaderForms(channel=resources.auth)

    async def request_start(sent: pb.RequestStartTransactionRequest, context: Context | None) -> CommandHooks:
        if not sent.HasField("remote_start_id"):
            sent.remote_start_id = 1 + secrets.randbelow(2**31 - 1)
        await forms.apply(sent.id_token, context)
        return NO_HOOKS

    async def request_stop(sent: pb.RequestStopTransactionRequest, _context: Context | None) -> CommandHooks:
        """The transaction has to be known here unless the caller allows an unknown one."""
        if not sent.send_unknown:
            await transactions.expect(station_id=sent.station_id, transaction_id=sent.transaction_id)
        return NO_HOOKS

    return FeatureParts(
        commands={
            "RequestStartTransaction": request_start,
            "RequestStopTransaction": request_stop,
            "GetTransactionStatus": as_it_is,
            "Reset": as_it_is,
            "UnlockConnector": as_it_is,
            "ClearCache": as_it_is,
            "TriggerMessage": as_it_is,
            "SendCall": as_it_is,
        }
    )


FEATURE = Feature(build=_build)
