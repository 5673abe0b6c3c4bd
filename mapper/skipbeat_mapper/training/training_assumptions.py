"""What the price of a training step assumes, a sentence each."""

from __future__ import annotations

from skipbeat_arch.effort import Effort
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.training_model import Training, TrainingModel

from ..placing.banks import Banks
from .turn_prices import MOST_VECTORS


def training_assumptions(model: TrainingModel, hw: Hardware, training: Training, effort: Effort) -> tuple[str, ...]:
    """What is not measured on the RTL."""
    machine, memory = Machine.of(hw), hw.memory
    found = [
        f"the memory serves {memory.bytes_per_clock} bytes per clock after {memory.latency_clocks} clocks; programs "
        "run one after the other, each layer from memory to memory, because later passes read what it reads and writes",
        "the first three groups of images of a program are priced exactly, and all others at what the third one costs",
        "host and optimiser take the clocks in which the memory's port is busy with their bytes, int8 for tensors, and "
        "nothing runs meanwhile; `overlapped` is the bound if they use what the programs leave of the port, in "
        "the forward pass, and in backward and update, which come layer by layer",
    ]
    if any(not layer.stored for layer in model.layers):
        found.append(
            "products of two activations follow one another in programs as in `skipbeat estimate`, which are priced "
            "exactly: one operand of each is loaded as weights are"
        )
    if training is Training.BACKPROPAGATION:
        found += [
            "the gradient of a weight is cut into programs of some pixels, which today's machine runs, one after the "
            "other without a gap; the optimiser adds up their int32 sums as it reads them",
            f"turn (M images of a channel from M vectors{', of dY' if hw.outputs.turn else ''}), select (N of M, and "
            "1:Q of gradients), update and peak take a vector in every clock, so that no program waits for them "
            "(docs/training.md)",
        ]
        if hw.outputs.turn:
            found.append(
                "X is turned by programs of TURNs before the programs of an update, as the forward pass reads it; they "
                f"are priced exactly, but of more than {MOST_VECTORS:,} vectors the first groups of images exactly and "
                "all others at what the third one costs; where a note says that the machine cannot, the host turns it"
            )
        if hw.outputs.gradients:
            found += [
                "the derivative of a ReLU between two layers is applied by the machine, which reads a byte of each "
                "element for it, if one program makes the gradient; every other clamp that no norm stands before has a "
                "bit of each element, which the host applies",
                "a max pooling of separate windows behind a layer is done where its sums are stored, with the places "
                "of the largest ones; the host takes the bytes from between these, and puts gradients at the places",
            ]
        found += _padding(model, machine)
    if effort is not Effort.NORMAL:
        found.append(f"mappings are those of --effort {effort}")
    return tuple(found)


def _padding(model: TrainingModel, machine: Machine) -> list[str]:
    """What a batch leaves idle in the rows of the update."""
    array = machine.hw.array
    banks, whole = Banks.of(model.batch, machine), array.rows * array.group
    room = sum(banks.periods) * array.group
    if room == model.batch:
        return []
    return [
        f"a batch of {model.batch} fills {model.batch} of the {room} places of images in the rows ({whole} in a pass): "
        "the update is priced with the others as padding"
    ]
