"""What a model is compared with: other tools' published formulas and a dense array without sparsity hardware."""
