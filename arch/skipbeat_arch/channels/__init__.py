"""Orders of the channels of tensors: which tensors must share one, and the search for a better one."""
