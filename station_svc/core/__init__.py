"""What every part of the service stands on: tables, rows, locks and pages of stations, and where their sockets are."""
