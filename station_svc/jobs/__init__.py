"""Jobs: work with stations that outlasts calls and restarts, however long stations are not connected."""
