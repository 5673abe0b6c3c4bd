"""What the firmware needs of a network: its memory, inputs as they lie there, and what must come out, as a header."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from skipbeat import load_program
from skipbeat_arch.tensor_layout import tensor_bytes


def main(folder: Path) -> None:
    """Reads `program.skb` (`skipbeat compile`), `dump.npz` and `report.json` (`skipbeat simulate`) in `folder`, and
    writes `network.bin` and `network.h` there."""
    program = load_program(folder / "program.skb")
    report = json.loads((folder / "report.json").read_text())
    dump = np.load(folder / "dump.npz")
    place, output = program.input, program.output
    if output.shape[1:] != (1, 1) or not output.raw or output.order or program.operand is not None:
        raise SystemExit("expected a network whose outputs are logits in their order")
    memory, inputs = program.memory(), []
    size = tensor_bytes(place.shape, program.vector, place.vectors)
    for image in dump["x"]:
        program.write_input(memory, image)
        inputs.append(memory[place.address : place.address + size].view("<u4").tolist())
    (folder / "network.bin").write_bytes(memory.tobytes())
    numbers = {
        "ADDRESS": program.address,
        "COUNT": program.count,
        "FINGERPRINT": program.fingerprint,
        "INPUT": place.address,
        "INPUT_BYTES": size,
        "OUTPUT": output.address,
        "CLASSES": output.shape[0],
        "DIGITS": len(inputs),
        "CLOCKS": report["counters"]["cycles"],
    }
    logits = dump["y"].reshape(len(inputs), -1).tolist()
    (folder / "network.h").write_text(
        "#include <stdint.h>\n"
        + "".join(
            f"#define NETWORK_{name} {value}{'u' if name == 'FINGERPRINT' else ''}\n" for name, value in numbers.items()
        )
        + _table("uint32_t network_inputs", inputs)
        + _table("int32_t network_logits", logits)
    )


def _table(name: str, rows: list[list[int]]) -> str:
    lines = "".join(f"    {{{', '.join(map(str, row))}}},\n" for row in rows)
    return f"static const {name}[][{len(rows[0])}] = {{\n{lines}}};\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
