"""How stations prove who they are, and how that is changed."""
