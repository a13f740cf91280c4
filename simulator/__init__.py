"""Simulated charge points on the `ocpp` library (mobilityhouse), so that both ends of the wire are not our own code.

`vehicle`, `connector`, `station`, `configuration`, `transaction_queue` and `driver` are the station itself, without
I/O and without a protocol version; `v16` speaks OCPP 1.6J for it; `session` and `fleet` hold the sockets.
"""

# The id tags that the simulated drivers carry. The central system must know them, or it refuses them.
DEFAULT_ID_TAGS = tuple(f"DEMO-{number}" for number in range(1, 17))
