"""The rivals with which benchmarks compare the speed of the guard's decoding, each as its authors left it.

`naive` runs the definition itself for every token; `no_bad_words` is transformers' ban; `vllm_bad_words` is vLLM's; `guard_paper`
is the beam search of arXiv 2505.13312. Benchmarks measure all of them with the phrases of `phrases` and the models of `models`.
"""
