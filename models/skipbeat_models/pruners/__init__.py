"""Ways to prune a network, each in a file of its own that names its paper."""
