"""Firmware and logs (OCPP 2.0.1, L01, L02, N01)."""

from typing import Any

from ocpp.v201 import call_result
from ocpp.v201.enums import Action

from simulator.firmware import Order
from simulator.maintenance import LogWanted
from simulator.schedule_words import to_moment
from simulator.v201.actions import Actions, on
from simulator.v201.holdings import Words
from station_kit.times import parse_time


class FileActions(Actions):
    """Takes orders of firmware and of log files."""

    @on(Action.update_firmware)
    def on_update_firmware(
        self,
        request_id: int,
        firmware: Words,
        retries: int | None = None,
        retry_interval: int | None = None,
        **_: Any,
    ) -> Any:
        """UpdateFirmware, signed or not."""
        order = Order(
            location=firmware["location"],
            retrieve_at=parse_time(firmware["retrieve_date_time"]),
            install_at=to_moment(firmware.get("install_date_time")),
            retries=retries or 0,
            retry_interval_s=retry_interval,
            request_id=request_id,
        )
        maintenance, certificate = self._station.maintenance, firmware.get("signing_certificate")
        if certificate is None:
            result = maintenance.update(order)
        else:
            result = maintenance.update_signed(
                order, certificate=certificate, signature=firmware.get("signature") or ""
            )
        return call_result.UpdateFirmware(status=result.value)

    @on(Action.get_log)
    def on_get_log(
        self,
        log: Words,
        log_type: str,
        request_id: int,
        retries: int | None = None,
        retry_interval: int | None = None,
        **_: Any,
    ) -> Any:
        """GetLog."""
        wanted = LogWanted(
            location=log["remote_location"],
            oldest=to_moment(log.get("oldest_timestamp")),
            latest=to_moment(log.get("latest_timestamp")),
            security_only=log_type == "SecurityLog",
            request_id=request_id,
            retries=retries or 0,
            retry_interval_s=retry_interval,
        )
        outcome, file_name = self._station.maintenance.send_log(wanted)
        return call_result.GetLog(status=outcome.value, filename=file_name)
