"""The limits of an operator port, as settings give them; mesh/grpc/call_limits.py keeps them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CallRules:
    """The limits of one process's operator port; each process counts for itself. 0: no limit."""

    calls_per_caller_s: int = 200
    calls_per_tenant_s: int = 1_000
    concurrent_calls_per_caller: int = 64
    streams_per_caller: int = 20
    streams_per_tenant: int = 200
    streams: int = 2_000
