"""Identity of callers: access tokens, roles, permissions, and the secrets by which processes recognize each other."""
