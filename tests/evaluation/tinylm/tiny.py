"""Four pairs, and a recipe that learns them in seconds."""

from __future__ import annotations

from evaluation.pairs import QAPair
from evaluation.tinylm.recipe import Recipe

PAIRS = [
    QAPair("Who keeps the lighthouse?", "Ketill keeps it.", ("Whose is the lighthouse?",)),
    QAPair("What colour is the boat?", "The boat is red."),
    QAPair("Say something in another script.", "東京 🚀 naïve"),
    QAPair("What is 2 plus 2?", "2 plus 2 is 4."),
]
TINY = Recipe(
    vocabulary=400,
    layers=1,
    width=64,
    head_dim=32,
    feed_forward=128,
    epochs=60,
    extra_epochs=60,
    learning_rate=1e-2,
    variation=0.2,
)
