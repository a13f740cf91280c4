"""The database layer: connections, transactions, statements for many rows, filters and pages of lists, migrations."""
