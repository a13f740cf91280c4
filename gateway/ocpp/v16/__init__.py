"""OCPP 1.6 JSON: one module per action, pure; routes.py lists them."""
