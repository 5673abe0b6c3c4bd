"""The dataflow of a PyTorch module, by torch.fx."""

from __future__ import annotations

from torch import fx, nn

from skipbeat_arch.errors import InputError


def trace(model: nn.Module) -> fx.GraphModule:
    """The calls that a module's forward makes, with their order and operands.

    Raises:
        InputError: the forward depends on the data (a branch or a loop on a tensor), so that there is no one graph.
    """
    try:
        return fx.symbolic_trace(model)
    except (fx.proxy.TraceError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"network {type(model).__name__}: its forward cannot be traced: {reason}") from None
