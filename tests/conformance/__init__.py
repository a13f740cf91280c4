"""Every action of every OCPP version, held against the official schemas."""
