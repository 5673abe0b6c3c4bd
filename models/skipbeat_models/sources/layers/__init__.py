"""Which operators are layers, with the sizes of their products."""
