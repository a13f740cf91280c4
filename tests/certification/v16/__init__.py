"""The cases of OCPP 1.6, each a test that is named by its id: cases.py."""
