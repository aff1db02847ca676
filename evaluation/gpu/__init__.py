"""What the guard costs a GPU per step: a model of 8B shape, and the calls of Model Runner V2 around it."""
