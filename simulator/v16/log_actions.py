"""Logs that the central system asks for (OCPP 1.6, 5.9; security whitepaper, 4.4)."""

from typing import Any

from ocpp.v16 import call_result
from ocpp.v16.enums import Action, Log, LogStatus

from simulator.maintenance import LogWanted
from simulator.v16.actions import Actions, on
from station_kit.times import parse_time


class LogActions(Actions):
    """Takes orders of log files."""

    @on(Action.get_diagnostics)
    def on_get_diagnostics(
        self,
        location: str,
        retries: int | None = None,
        retry_interval: int | None = None,
        start_time: str | None = None,
        stop_time: str | None = None,
        **_: Any,
    ) -> Any:
        """GetDiagnostics."""
        wanted = LogWanted(
            location=location,
            oldest=None if start_time is None else parse_time(start_time),
            latest=None if stop_time is None else parse_time(stop_time),
            retries=retries or 0,
            retry_interval_s=retry_interval,
        )
        return call_result.GetDiagnostics(file_name=self._station.maintenance.send_log(wanted)[1])

    @on(Action.get_log)
    def on_get_log(
        self,
        log: dict[str, Any],
        log_type: str,
        request_id: int,
        retries: int | None = None,
        retry_interval: int | None = None,
        **_: Any,
    ) -> Any:
        """GetLog."""
        oldest, latest = log.get("oldest_timestamp"), log.get("latest_timestamp")
        wanted = LogWanted(
            location=log["remote_location"],
            oldest=None if oldest is None else parse_time(oldest),
            latest=None if latest is None else parse_time(latest),
            security_only=log_type == Log.security_log,
            request_id=request_id,
            retries=retries or 0,
            retry_interval_s=retry_interval,
        )
        outcome, file_name = self._station.maintenance.send_log(wanted)
        return call_result.GetLog(status=LogStatus(outcome.value), filename=file_name)
