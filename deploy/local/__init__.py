"""The local run: the whole mesh as child processes of one supervisor, in the foreground (`make run`)."""
