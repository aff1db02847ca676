"""A drafting head in the form of EAGLE (Li et al. 2024, arXiv 2401.15077), made of a model's own last layer.

Nobody has trained it, so most of its drafts are wrong: what is tested is what becomes of such drafts.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def head(model: Path, folder: Path) -> Path:
    """Write a head for the model in the folder `model`, and return its folder. It shares the model's embeddings and output."""
    config = json.loads((model / "config.json").read_text("utf-8"))
    last, width = f"model.layers.{config['num_hidden_layers'] - 1}.", config["hidden_size"]
    layer = {
        name.replace(last, "layers.0."): weight
        for name, weight in load_file(model / "model.safetensors").items()
        # vLLM's head reads the hidden state without the norm in front.
        if name.startswith(last) and "input_layernorm" not in name
    }
    dtype = next(iter(layer.values())).dtype
    # Of the embedding and the hidden state beside it, a part of each.
    passed = torch.cat([0.3 * torch.eye(width), torch.eye(width)], dim=1).to(dtype)
    folder.mkdir(parents=True)
    save_file({**layer, "fc.weight": passed.contiguous()}, folder / "model.safetensors")
    made = {**config, "architectures": ["EagleLlamaForCausalLM"], "num_hidden_layers": 1}
    (folder / "config.json").write_text(json.dumps(made), "utf-8")
    return folder
