"""OCPP 2.0.1 JSON: one module per action, pure; routes.py says which there are. Sections are those of part 2."""
