"""Firmware updates, plain and signed (OCPP 1.6, 5.19; security whitepaper, 4.5)."""

from typing import Any

from ocpp.v16 import call_result
from ocpp.v16.enums import Action, UpdateFirmwareStatus

from simulator.firmware import Order
from simulator.v16.actions import Actions, on
from station_kit.times import parse_time


class FirmwareActions(Actions):
    """Takes orders of firmware."""

    @on(Action.update_firmware)
    def on_update_firmware(
        self,
        location: str,
        retrieve_date: str,
        retries: int | None = None,
        retry_interval: int | None = None,
        **_: Any,
    ) -> Any:
        """UpdateFirmware, whose answer says nothing: an update that is being installed goes on."""
        order = Order(
            location=location,
            retrieve_at=parse_time(retrieve_date),
            retries=retries or 0,
            retry_interval_s=retry_interval,
        )
        self._station.maintenance.update(order)
        return call_result.UpdateFirmware()

    @on(Action.signed_update_firmware)
    def on_signed_update_firmware(
        self,
        request_id: int,
        firmware: dict[str, Any],
        retries: int | None = None,
        retry_interval: int | None = None,
        **_: Any,
    ) -> Any:
        """SignedUpdateFirmware."""
        install_at = firmware.get("install_date_time")
        order = Order(
            location=firmware["location"],
            retrieve_at=parse_time(firmware["retrieve_date_time"]),
            install_at=None if install_at is None else parse_time(install_at),
            retries=retries or 0,
            retry_interval_s=retry_interval,
            request_id=request_id,
        )
        result = self._station.maintenance.update_signed(
            order, certificate=firmware["signing_certificate"], signature=firmware.get("signature", "")
        )
        return call_result.SignedUpdateFirmware(status=UpdateFirmwareStatus(result.value))
