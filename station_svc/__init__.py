"""Charging stations: who they are, which gateway holds their sockets, what they said, and the way down to them."""
