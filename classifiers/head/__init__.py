"""Head: GUARD's trained classifier, for comparison."""
