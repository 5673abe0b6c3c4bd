"""From units to instructions: their order, the tokens between them, and the limits that they keep to."""
