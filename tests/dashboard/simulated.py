"""Simulated stations of a test's own, by the simulator's REST API; and waiting for events of stations."""

from typing import Any
from urllib.parse import quote

from tests.local_run.processes import wait_until
from tests.running_mesh import RunningMesh


def wait_for_event(mesh: RunningMesh, station_id: str, kind: str) -> None:
    """Waits until an event of this type about a station is published."""

    def is_published() -> bool:
        condition = quote(f'type = "{kind}" AND station_id = "{station_id}"')
        answer = mesh.request("GET", f"/v1/events?filter={condition}", authorization=f"Bearer {mesh.token()}")
        assert answer.status == 200, answer
        return bool(answer.json.get("events"))

    assert wait_until(is_published)


class SimulatedStation:
    """A station that does nothing by itself."""

    def __init__(self, mesh: RunningMesh, station_id: str) -> None:
        self._mesh, self.station_id = mesh, station_id

    def start(self) -> None:
        """Switches it on, and waits until it is connected and has reported its connectors."""
        assert wait_until(lambda: self._mesh.request("GET", "/v1/simulatedStations", **self._header).status == 200)
        self._act("start", {"sampleIntervalS": 1})

        def is_ready() -> bool:
            answer = self._mesh.request("GET", f"/v1/stations/{self.station_id}", **self._header)
            return answer.status == 200 and answer.json["connected"] and bool(answer.json["evses"])

        assert wait_until(is_ready)

    def begin_session(self, id_token: str) -> str:
        """Plugs a vehicle in and holds a tag to the reader; gives the id of the session once it is known."""
        self._act("plugIn", {"evseId": 1})
        self._act("presentIdToken", {"evseId": 1, "idToken": id_token})
        assert wait_until(lambda: bool(self._sessions()))
        return str(self._sessions()[0]["transactionId"])

    def cut_line(self) -> None:
        """Ends its connection without a word."""
        self._act("goOffline", {})

    def _sessions(self) -> list[Any]:
        answer = self._mesh.request("GET", f"/v1/stations/{self.station_id}/transactions", **self._header)
        assert answer.status == 200, answer
        found: list[Any] = answer.json.get("transactions", [])
        return found

    @property
    def _header(self) -> dict[str, str]:
        """With a token that is valid: those of this mesh are short-lived."""
        return {"authorization": f"Bearer {self._mesh.token()}"}

    def _act(self, verb: str, body: dict[str, object]) -> None:
        path = f"/v1/simulatedStations/{self.station_id}:{verb}"
        answer = self._mesh.request("POST", path, body=body, **self._header)
        assert answer.status == 200, answer
