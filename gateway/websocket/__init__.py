"""The WebSocket edge: handshakes, admissions and the sockets of stations."""
