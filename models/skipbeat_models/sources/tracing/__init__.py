"""From a PyTorch module, or a program that was exported from one, to its operators."""
