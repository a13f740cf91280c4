"""Deployment of the mesh: the front door's configuration, the local run (`make run`), containers."""
