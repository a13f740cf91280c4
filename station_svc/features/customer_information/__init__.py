"""What stations store about drivers: reported and cleared."""
