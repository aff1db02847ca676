"""Tokens: what each token id of a model says, from any tokenizer."""
