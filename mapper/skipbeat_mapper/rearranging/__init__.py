"""A network in another form that computes the same: inputs folded, blocks stacked, layers in slices, channels moved."""
