"""Authorization of drivers and operators: id tokens, users, sessions, and the signing keys of access tokens."""
