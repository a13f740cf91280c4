"""Simulated charge points on the `ocpp` library (mobilityhouse), so that both ends of the wire are not our own code.

`station` with what it is made of is the charge point itself, without I/O and without a protocol version; `v16` speaks
OCPP 1.6J for it; `runner`, `line` and `transfers` hold the sockets. Of the station kit it has the sockets, times and
frames; CALLs and their answers are the library's. README.md has the map.
"""

# The id tags that the simulated drivers carry. The central system must know them, or it refuses them.
DEFAULT_ID_TAGS = tuple(f"DEMO-{number}" for number in range(1, 17))
