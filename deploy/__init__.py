"""How the mesh is put up: the front door's configuration, the local run (`make run`), containers."""
