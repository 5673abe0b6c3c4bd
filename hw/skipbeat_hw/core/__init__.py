"""The core: compressed weights and activation bundles in, sums out (docs/microarchitecture.md)."""
