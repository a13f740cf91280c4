"""The edge: charge points' sockets on one side, the mesh's typed calls on the other."""
