"""vLLM's Model Runner V2 without a GPU: Triton's kernels run in its interpreter."""
