"""Authentication of stations, and changes of their credentials."""
