"""The message log: frames either way, masked and cut, as the entries that station_svc stores."""
