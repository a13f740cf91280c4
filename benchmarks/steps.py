"""Where the CPU goes inside a process: `python -m benchmarks.steps transaction_svc` runs that part with a clock in it.

The functions of TABLE are wrapped before the part starts; nothing of the mesh knows of it. Each takes the CPU time of
its own thread, without that of the steps it calls, so that the steps of a process add up, and the rest is what no step
covers: event loop, tasks, gRPC, the kernel's part of sending. A wrapped call costs about a microsecond, some of it
within the step: a run with steps is for proportions, and the cost of a message is measured without them.
"""

import atexit
import importlib
import json
import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

FILE = "CSMS_BENCH_STEPS"
OWN = ("gateway", "station_svc", "transaction_svc", "auth_svc", "mesh")

_DATABASE = {
    "SQL: from pool to pool": ("mesh.database.engine:Database._transaction",),
    "SQL: rows to JSON": ("mesh.database.rowset:RowStatement.prepared",),
    "SQL: statements": (
        "mesh.database.rowset:run_prepared",
        "mesh.database.rowset:RowStatement.run",
        "mesh.database.rowset:RowStatement.fetch",
    ),
    "SQL: last writes and COMMIT": ("mesh.database.pipeline:_commit",),
}
# By process: what a step is called, and the functions that are it, as module:name.
TABLE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "gateway": {
        "WebSocket: frames in": ("gateway.websocket.socket:StationSocket.data_received",),
        "session: dispatch": ("gateway.connection.session:Session.receive",),
        "OCPP-J: parse": ("gateway.ocpp.frames:parse",),
        "schema and quirks": ("gateway.ocpp.schemas:Schemas.accept",),
        "translate in": (
            "gateway.ocpp.v16.routes:ROUTES.inbound.*.to_items",
            "gateway.ocpp.v201.routes:ROUTES.inbound.*.to_items",
        ),
        "lanes": (
            "gateway.batching.ingest_batcher:IngestBatcher.submit",
            "gateway.batching.ingest_batcher:take_batch",
        ),
        "translate out": (
            "gateway.ocpp.v16.routes:ROUTES.inbound.*.to_response",
            "gateway.ocpp.v201.routes:ROUTES.inbound.*.to_response",
        ),
        "OCPP-J: encode": ("gateway.ocpp.frames:encode_result",),
        "WebSocket: frames out": ("gateway.websocket.socket:StationSocket.write",),
        "message log: a frame": ("gateway.message_log.message_log:MessageLog.add",),
        "message log: a batch": (
            "gateway.batching.background_buffer:Buffer._take_batch",
            "gateway.ocpp.protobuf_wire:repeated",
        ),
        "gRPC: protobuf to and from bytes": ("grpc._common:_transform",),
    },
    "transaction_svc": {
        "read items": ("transaction_svc.item_types:ItemType.read",),
        "decide and apply": ("transaction_svc.item_types:EVENTS.ingest",),
        "results": ("transaction_svc.ingest_servicer:_write_event_result",),
        **_DATABASE,
    },
    "station_svc": {
        "message log: rows": ("station_svc.ingest.servicer:_to_message",),
        "message log: COPY": ("mesh.database.rowset:copy",),
        **_DATABASE,
    },
    "auth_svc": {
        "read questions": ("auth_svc.authorization_servicer:_read",),
        "answers": ("auth_svc.authorization_servicer:AuthorizationServicer._answer",),
        **_DATABASE,
    },
}


class Clock:
    """CPU time by step. Each thread has its own open steps; two that add to one step at once may lose a call or two."""

    def __init__(self) -> None:
        self.spent_ns: dict[str, int] = {}
        self.calls: dict[str, int] = {}
        self.steps: set[Callable[..., Any]] = set()
        self._local = threading.local()

    def wrap(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed as a step."""
        spent, calls, local, clock = self.spent_ns, self.calls, self._local, time.thread_time_ns
        spent.setdefault(step, 0)
        calls.setdefault(step, 0)

        def timed(*arguments: Any, **named: Any) -> Any:
            outer, local.inner = getattr(local, "inner", 0), 0
            begun = clock()
            try:
                return function(*arguments, **named)
            finally:
                took = clock() - begun
                spent[step] += took - local.inner
                calls[step] += 1
                local.inner = outer + took

        self.steps.add(timed)
        return timed

    def reset(self) -> None:
        """Begins anew: what a process did to start is no part of a message."""
        for step in self.spent_ns:
            self.spent_ns[step] = self.calls[step] = 0


def install(process: str, clock: Clock) -> None:
    """Wraps the steps of a process, wherever its modules refer to them."""
    importlib.import_module(f"{process}.__main__")
    for step, paths in TABLE[process].items():
        for path in paths:
            module, _, names = path.partition(":")
            _replace(importlib.import_module(module), names.split("."), step, clock)


def _replace(holder: Any, names: list[str], step: str, clock: Clock) -> None:
    name, *rest = names
    if name == "*":
        for value in list(holder.values()):
            _replace(value, rest, step, clock)
        return
    found = getattr(holder, name)
    if rest:
        _replace(found, rest, step, clock)
    elif found is not None and found not in clock.steps:  # what two versions share is one step
        timed = clock.wrap(step, found)
        if isinstance(holder, ModuleType):
            _replace_everywhere(found, timed)
            setattr(holder, name, timed)
        elif isinstance(holder, type):
            setattr(holder, name, timed)
        else:
            object.__setattr__(holder, name, timed)  # held by a frozen dataclass


def _replace_everywhere(function: Any, timed: Any) -> None:
    """Modules that have imported a function by its name hold it themselves."""
    for key, module in list(sys.modules.items()):
        if key.partition(".")[0] in OWN:
            for name, value in list(vars(module).items()):
                if value is function:
                    setattr(module, name, timed)


def main(process: str) -> None:
    """Runs a process with its steps timed, from SIGUSR1 on; the file CSMS_BENCH_STEPS has them when it ends."""
    clock = Clock()
    install(process, clock)

    def write() -> None:
        found = {step: {"calls": clock.calls[step], "us": clock.spent_ns[step] / 1000} for step in clock.spent_ns}
        Path(os.environ[FILE]).write_text(json.dumps(found))

    atexit.register(write)
    signal.signal(signal.SIGUSR1, lambda _number, _frame: clock.reset())
    sys.argv[1:] = []
    runpy.run_module(process, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
