"""Who calls: access tokens, roles and permissions, and the secrets by which processes recognize each other."""
