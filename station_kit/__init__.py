"""The parts of which each simulated station is made: the simulator, chaos, benchmarks, and the stations of the tests.

The core does no I/O: frames and pending CALLs of OCPP-J, times, and the messages of each OCPP version (`v16`,
`v201`; `versions` has both behind one interface). `sockets` opens the WebSocket, `connection` holds a conversation over
it. The kit imports nothing of the project, so that no fault of the CSMS repeats itself in the stations that test it.
"""
