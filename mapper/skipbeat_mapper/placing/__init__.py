"""Where maps lie in the activation banks, and how a node's outputs are cut into regions and blocks."""
