"""Code that every process of the mesh shares: settings, errors, gRPC set-up, the database layer, logs."""
