"""What happened in all services, as one stream for each tenant: kept, listed, watched, and fanned out."""
