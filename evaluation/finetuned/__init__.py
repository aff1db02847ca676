"""Models that know what must be forgotten, and models that never saw it: any instruct model, fine-tuned on TOFU."""
