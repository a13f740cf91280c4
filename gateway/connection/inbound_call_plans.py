"""Plans of CALLs: the items for the services, and the sources of the answer once their results have arrived."""

from collections.abc import Sequence
from typing import Any

from gateway.connection.ingest_plan import IngestPlan
from gateway.ocpp.frames import Payload
from gateway.ocpp.schemas import SchemaFault
from gateway.ocpp.translation import Inbound, QuarantineResponse, Results


class QuarantinePlan(IngestPlan, frozen=True, kw_only=True):
    """A message about a transaction that goes into quarantine as it came (docs/adr/0008).

    It is acknowledged by `response`, or refused with `fault` where there is none.
    """

    payload: Any
    response: QuarantineResponse | None
    fault: SchemaFault


class RoutedPlan(IngestPlan, frozen=True, kw_only=True):
    """A valid message of its action: its route makes the answer.

    `earlier` are the results of the round before, where this is the second. `if_not_accepted` answers in its place
    where transaction_svc does not record the event because its station is not accepted (docs/adr/0013). `quirks` are
    counted with the answer.
    """

    route: Inbound
    payload: Payload
    earlier: Results | None = None
    if_not_accepted: QuarantinePlan | None = None
    quirks: Sequence[str] = ()


class FixedPlan(IngestPlan, frozen=True, kw_only=True):
    """A message whose answer is known already."""

    response: Payload


CallPlan = RoutedPlan | QuarantinePlan | FixedPlan
