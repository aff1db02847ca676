"""Head: the trained classifier of GUARD, for comparison."""
