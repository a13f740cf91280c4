"""The cases of the OCA's certification for central systems of OCPP 2.0.1."""
