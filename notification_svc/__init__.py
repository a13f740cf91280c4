"""The events of all services, as one stream for each tenant: kept, listed, watched, and fanned out."""
