"""OCPP 2.0.1 JSON: one module per action, pure; routes.py lists them. Sections are those of part 2."""
