"""TLS of stations' sockets: what the gateway serves, and what it knows of a socket's encryption."""
