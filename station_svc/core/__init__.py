"""The registry of stations, on which every part depends: tables, rows, locks, pages, events and sockets."""
