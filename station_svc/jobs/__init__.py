"""What is done with stations in the background, however long they are away."""
