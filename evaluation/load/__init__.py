"""What one client's load costs another."""
