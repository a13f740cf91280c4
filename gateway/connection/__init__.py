"""One station's connection: its session, the CALLs either way, and the checks that it still lives."""
