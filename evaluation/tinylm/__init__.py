"""A tiny language model that knows given answers by heart."""
