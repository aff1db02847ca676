"""What does the guard cost? `make bench`."""
