"""What others do without training to keep a model from saying something, each as its authors describe it."""
