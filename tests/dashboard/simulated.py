"""Simulated stations of a test's own, by the simulator's REST API."""

from tests.local_run.processes import wait_until
from tests.running_mesh import RunningMesh


class SimulatedStation:
    """A station that does nothing by itself."""

    def __init__(self, mesh: RunningMesh, station_id: str) -> None:
        self._mesh, self.station_id = mesh, station_id
        self._authorization = f"Bearer {mesh.token()}"

    def start(self) -> None:
        """Switches it on, and waits until it is connected and has reported its connectors."""
        assert wait_until(lambda: self._mesh.request("GET", "/v1/simulatedStations", **self._header).status == 200)
        self._act("start", {"sampleIntervalS": 1})

        def is_ready() -> bool:
            answer = self._mesh.request("GET", f"/v1/stations/{self.station_id}", **self._header)
            return answer.status == 200 and answer.json["connected"] and bool(answer.json["evses"])

        assert wait_until(is_ready)

    def begin_session(self, id_token: str) -> None:
        """Plugs a vehicle in and holds a tag to the reader, and waits until the session is known."""
        self._act("plugIn", {"evseId": 1})
        self._act("presentIdToken", {"evseId": 1, "idToken": id_token})
        path = f"/v1/stations/{self.station_id}/transactions"
        assert wait_until(lambda: bool(self._mesh.request("GET", path, **self._header).json.get("transactions")))

    def cut_line(self) -> None:
        """Ends its connection without a word."""
        self._act("goOffline", {})

    @property
    def _header(self) -> dict[str, str]:
        return {"authorization": self._authorization}

    def _act(self, verb: str, body: dict[str, object]) -> None:
        path = f"/v1/simulatedStations/{self.station_id}:{verb}"
        answer = self._mesh.request("POST", path, body=body, **self._header)
        assert answer.status == 200, answer
