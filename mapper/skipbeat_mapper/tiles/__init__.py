"""The weights of a node as tiles: which there are, in which order their rows lie, and what packs them."""
