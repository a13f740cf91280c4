"""OCPP 1.6 JSON: one module per action, pure; routes.py says which there are."""
