"""What an estimate assumes, a sentence each."""

from __future__ import annotations

from skipbeat_arch.effort import Effort
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.model import ModelDescription

#: What a search of this effort is, for a reader of its clocks.
_SEARCHES = {
    Effort.QUICK: "mappings are those that bounds like best, in one program: more effort may find quicker ones",
    Effort.BEST: "mappings are the quickest of many more than usual",
}


def assumptions(description: ModelDescription, hw: Hardware, effort: Effort = Effort.NORMAL) -> tuple[str, ...]:
    """What is not measured on the RTL."""
    memory = hw.memory
    found = [
        f"the memory serves {memory.bytes_per_clock} bytes per clock after {memory.latency_clocks} clocks, and nobody "
        "else uses it",
        "numbers are int8 with int32 sums; the output stage does batch norms, clamps and scales; additions and pooling "
        "are in the programs that are priced",
    ]
    if effort in _SEARCHES:
        found.append(f"{_SEARCHES[effort]} (--effort {effort})")
    if any(len(run.layers) > 1 for run in description.runs):
        found.append(
            "a layer's cycles go from the end of the one before, when its last outputs have left the output stage, to "
            "its own: its first loads and steps may come earlier, so that it can take less than its own bounds"
        )
    if any(not each.fused for each in description.host_operators):
        rate = f"computes {hw.host.elements_per_clock:g} results per clock" if hw.host else "takes no time"
        found.append(f"the host {rate} for the operators that the array does not run (host.elements_per_clock)")
    if len(description.runs) > 1 or any(run.repeats > 1 for run in description.runs):
        kept = ", but for steps of a recurrent layer: theirs stay on the chip, if all of them fit"
        again = any(run.again for run in description.runs)
        run = description.runs[0]
        batched = len(description.runs) == 1 and run.images * run.repeats == description.batch
        what = f"programs of {run.images} images" if batched and run.images > 1 else "programs"
        found.append(f"{what} run one after the other, and each loads its weights again{kept if again else ''}")
    if any(not layer.stored for layer in description.layers):
        found.append(
            "the second operand of a product of two activations lies in memory as dense tiles, as weights would; the "
            "products of heads and images follow one another in a program"
        )
    return tuple(found)
