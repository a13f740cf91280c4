"""Charging stations: their identity, the gateways that hold their sockets, their reports, and the commands to them."""
