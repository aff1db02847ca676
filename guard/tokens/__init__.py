"""Tokens: the text of each token id of a model, from any tokenizer."""
