"""Who may charge and who may operate: id tokens, users, sessions, and the keys that access tokens are signed with."""
