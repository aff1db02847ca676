"""Fleets: the plugin with which a `vllm serve` becomes an engine, and the front end's routes for engines."""
