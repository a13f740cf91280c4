"""The registry of stations, on which every part stands: tables, rows, locks, pages, events and sockets."""
