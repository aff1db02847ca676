"""SmolLM2-135M-Instruct, the real model of the demo: made from a package of the package index, then cached."""
