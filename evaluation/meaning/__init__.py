"""Words near anchors: how many paraphrases of know-how they catch, and how many innocent answers they would spoil."""
