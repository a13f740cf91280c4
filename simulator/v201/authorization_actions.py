"""The cache, the local list, and what a station knows of a customer (OCPP 2.0.1, C11, D01, D02, N09, N10)."""

from collections.abc import Sequence
from typing import Any

from ocpp.v201 import call, call_result
from ocpp.v201.enums import Action

from simulator.authorization import ListEntry, Remembered
from simulator.v201.actions import Actions, after, on
from simulator.v201.holdings import Words
from station_kit.times import format_time, parse_time


class AuthorizationActions(Actions):
    """Takes lists, clears caches, and reports what is known of a token."""

    @on(Action.clear_cache)
    def on_clear_cache(self, **_: Any) -> Any:
        """ClearCache: refused where there is none."""
        if not self._station.configuration.switch("AuthorizationCacheEnabled"):
            return call_result.ClearCache(status="Rejected")
        self._station.tags.cache.clear()
        return call_result.ClearCache(status="Accepted")

    @on(Action.send_local_list)
    def on_send_list(
        self,
        version_number: int,
        update_type: str,
        local_authorization_list: Sequence[Words] = (),
        **_: Any,
    ) -> Any:
        """SendLocalList."""
        entries = [_entry(words) for words in local_authorization_list]
        result = self._station.tags.update_list(version_number, entries, full=update_type == "Full").value
        return call_result.SendLocalList(status="Failed" if result == "NotSupported" else result)

    @on(Action.get_local_list_version)
    def on_get_list_version(self, **_: Any) -> Any:
        """GetLocalListVersion: 0 where there is none, or it is switched off (D02.FR.02)."""
        enabled = self._station.configuration.switch("LocalAuthListEnabled")
        return call_result.GetLocalListVersion(
            version_number=self._station.tags.local_list.shown_version if enabled else 0
        )

    @on(Action.customer_information)
    def on_customer_information(self, report: bool, clear: bool, **_: Any) -> Any:
        """CustomerInformation: one of both has to be asked for."""
        return call_result.CustomerInformation(status="Accepted" if report or clear else "Rejected")

    @after(Action.customer_information)
    def after_customer_information(
        self, request_id: int, report: bool, clear: bool, id_token: Words | None = None, **_: Any
    ) -> None:
        """CustomerInformation: the report, which says too that there is nothing (N09.FR.05), and the removal."""
        tag = "" if id_token is None else id_token["id_token"]
        known = self._station.tags.known(tag) if tag else None
        if clear and tag:
            self._station.tags.cache.forget(tag)
        if report or clear:
            data = "" if known is None or not report else f"{tag}: {known.status}"
            self._follow(
                call.NotifyCustomerInformation(
                    data=data,
                    seq_no=0,
                    generated_at=format_time(self._station.moment()),
                    request_id=request_id,
                    tbc=False,
                )
            )


def _entry(words: Words) -> ListEntry:
    info = words.get("id_token_info")
    return ListEntry(id_tag=words["id_token"]["id_token"], remembered=None if info is None else to_remembered(info))


def to_remembered(info: Words) -> Remembered:
    """Reads an IdTokenInfoType."""
    expires = info.get("cache_expiry_date_time")
    group = info.get("group_id_token")
    return Remembered(
        status=str(info["status"]),
        expires=parse_time(expires) if expires else None,
        parent=None if group is None else group["id_token"],
    )
