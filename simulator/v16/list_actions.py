"""The Local Auth List Management profile (OCPP 1.6, 5.10 and 5.15)."""

from collections.abc import Sequence
from typing import Any

from ocpp.v16 import call_result
from ocpp.v16.enums import Action, UpdateStatus, UpdateType

from simulator.authorization import ListEntry, Remembered
from simulator.v16.actions import Actions, on
from station_kit.times import parse_time

_NO_LIST = -1


class ListActions(Actions):
    """Takes the local list, and reports its version."""

    @on(Action.send_local_list)
    def on_send_list(
        self,
        list_version: int,
        update_type: str,
        local_authorization_list: Sequence[dict[str, Any]] = (),
        **_: Any,
    ) -> Any:
        """SendLocalList."""
        entries = [_entry(words) for words in local_authorization_list]
        result = self._station.tags.update_list(list_version, entries, full=update_type == UpdateType.full)
        return call_result.SendLocalList(status=UpdateStatus(result.value))

    @on(Action.get_local_list_version)
    def on_get_list_version(self, **_: Any) -> Any:
        """GetLocalListVersion: -1 where the list is switched off."""
        enabled = self._station.configuration.switch("LocalAuthListEnabled")
        version = self._station.tags.local_list.shown_version if enabled else _NO_LIST
        return call_result.GetLocalListVersion(list_version=version)


def _entry(words: dict[str, Any]) -> ListEntry:
    info = words.get("id_tag_info")
    return ListEntry(id_tag=words["id_tag"], remembered=None if info is None else to_remembered(info))


def to_remembered(info: dict[str, Any]) -> Remembered:
    """Reads an IdTagInfo."""
    expires = info.get("expiry_date")
    return Remembered(
        status=str(info["status"]),
        expires=parse_time(expires) if expires else None,
        parent=info.get("parent_id_tag"),
    )
