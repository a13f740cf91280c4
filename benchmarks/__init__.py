"""Measures the cost of the mesh: messages a second, latency, and CPU time per message of every process (`make bench`).

Load comes from a raw client (`client`, in processes of its own), never from an OCPP library, so that it costs little.
E, the yardstick, is the CPU time per message of a bare `websockets` echo server under the same clients.
"""
