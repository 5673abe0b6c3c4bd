"""The weight of a layer as arrays, and its zeros: pruned by a scheme, measured and kept."""
