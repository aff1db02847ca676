"""The guard in vLLM's workers."""
