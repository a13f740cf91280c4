"""Device models of stations: variables, their reports and changes, and network profiles."""
