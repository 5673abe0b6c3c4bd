"""Draws docs/life.svg, the life of a weight and of an activation, with the clocks of docs/life.py.

.venv/bin/python docs/life_figure.py
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from life import story

from skipbeat_arch.files import write_text

WIDTH, BOX, GAP, LEFT = 1010, 128, 14, 14
ROWS = {"weight": 62, "activation": 236, "result": 410}
HEIGHT = 100

STYLE = """
  :root {
    --paper: #ffffff; --ink: #16191d; --muted: #626a73; --rule: #9aa5ae; --box: #f6f7f8; --accent: #0f6e68;
    --warm: #b3741a;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --paper: #121518; --ink: #e8eaec; --muted: #98a1a9; --rule: #6d7780; --box: #1a1e22; --accent: #3fb5a8;
      --warm: #e0ab4a;
    }
  }
  text { font-family: sans-serif; font-size: 11px; fill: var(--muted); }
  .title { font-size: 13px; font-weight: 600; fill: var(--ink); }
  .lane { font-size: 14px; font-weight: 600; }
  .box { fill: var(--box); stroke: var(--rule); stroke-width: 1.2; rx: 4px; }
  .meet { stroke: var(--ink); stroke-width: 1.8; }
  path { fill: none; stroke-width: 1.8; }
  .weight { stroke: var(--warm); marker-end: url(#weight); }
  .activation { stroke: var(--accent); marker-end: url(#activation); }
  .result { stroke: var(--ink); marker-end: url(#result); }
  .aside { stroke-dasharray: 4 3; }
  .t-weight { fill: var(--warm); font-weight: 600; }
  .t-activation { fill: var(--accent); font-weight: 600; }
  .t-result { fill: var(--ink); font-weight: 600; }
"""


def x_of(column: int) -> int:
    """Left edge of a column of boxes."""
    return LEFT + column * (BOX + GAP)


def box(column: int, y: int, lane: str, title: str, lines: list[str], when: str, height: int = HEIGHT) -> str:
    """A station: what it is, what happens there, and in which clock."""
    x = x_of(column)
    meet = " meet" if height > HEIGHT else ""
    parts = [f'<rect class="box{meet}" x="{x}" y="{y}" width="{BOX}" height="{height}"/>']
    parts.append(f'<text class="title" x="{x + 8}" y="{y + 20}">{escape(title)}</text>')
    for number, line in enumerate(lines):
        parts.append(f'<text x="{x + 8}" y="{y + 38 + 15 * number}">{escape(line)}</text>')
    parts.append(f'<text class="t-{lane}" x="{x + 8}" y="{y + height - 9}">{escape(when)}</text>')
    return "\n".join(parts)


def arrow(lane: str, column: int, y: int, *, back: bool = False) -> str:
    """From a column's box to the next one, or to the one before it."""
    start, stop = (x_of(column), x_of(column - 1) + BOX + 1) if back else (x_of(column) + BOX, x_of(column + 1) - 1)
    return f'<path class="{lane}" d="M{start} {y}H{stop}"/>'


def weight_lane(s: dict[str, int]) -> list[str]:
    """From the checkpoint to the processing element."""
    y = ROWS["weight"]
    boxes = [
        ("checkpoint", ["float weights;", "zeros are measured,", "nothing is believed"], "sources, pruners"),
        ("int8", [f"{s['weight']} in the group", "(58, 0, 105, 0)", "of 4 channels"], "quantise_layer.py"),
        (
            "packed tile",
            ["bitmap 0101, slot 1;", f"{s['words of the tile']} words of 16 bytes:", "8 metadata, 32 values"],
            "tile.py",
        ),
        ("memory", [f"byte {s['address']:,}", "LOAD asked for", f"in clock {s['LOAD asked']}"], "over the bus"),
        (
            "weight buffer",
            [f"word {s['word in the buffer']}; waits", "until its PASS begins", f"in clock {s['PASS begins']}"],
            f"there in clock {s['loaded']}",
        ),
        (
            "decoder",
            [f"metadata word: {s['metadata word']}", f"value word: {s['value word']}", "to slot 1 of row 11"],
            f"out in clock {s['slot written']}",
        ),
    ]
    parts = [f'<text class="lane t-weight" x="{LEFT}" y="{y - 12}">the weight</text>']
    parts += [box(n, y, "weight", *each) for n, each in enumerate(boxes)]
    return parts + [arrow("weight", n, y + 50) for n in range(6)]


def activation_lane(s: dict[str, int]) -> list[str]:
    """From the image to the processing element."""
    y = ROWS["activation"]
    boxes = [
        ("image", ["int8, 4-byte bundles;", "a LOAD writes it", "into the banks"], "load.py"),
        ("first layer", ["its sum for channel 14", "at pixel (1, 4)", "is taken"], f"clock {s['its sum taken']}"),
        (
            "output stage",
            ["bias, scale, shift,", f"clamp: {s['activation']}", "8 clocks"],
            f"clock {s['into the bank']}",
        ),
        (
            "activation banks",
            ["local STORE: banks", f"3 and 11, entry {s['bank entry']};", "not in memory"],
            f"clock {s['into the bank']}",
        ),
        ("fetcher", ["four loops + table", f"give entry {s['entry read']}", "of bank 11"], f"clock {s['bank read']}"),
        ("feed", ["bundle of row 11,", "2nd step of its beat;", "then skewed"], f"issued in clock {s['step']}"),
    ]
    parts = [f'<text class="lane t-activation" x="{LEFT}" y="{y - 12}">the activation</text>']
    parts += [box(n, y, "activation", *each) for n, each in enumerate(boxes)]
    return parts + [arrow("activation", n, y + 50) for n in range(6)]


def result_lane(s: dict[str, int]) -> list[str]:
    """From the product to the result, right to left."""
    y = ROWS["result"]
    boxes = [
        (
            "memory",
            ["sums of the last layer", f"from clock {s['its beats out']:,} on;", "the run takes"],
            f"{s['cycles']:,} clocks",
        ),
        (
            "next layer",
            [f"its PASS: {s['pass of the next layer']:,}", "reads the entry,", "a product again"],
            f"clock {s['read by the next layer']:,}",
        ),
        (
            "activation banks",
            ["local STORE:", "bank 0, entry", f"{s['output entry']:,}"],
            f"clock {s['output vector']:,}",
        ),
        (
            "output stage",
            [f"({s['sum']:,} + {s['bias']:,})", f"· {s['multiplier']:,}", f">> {s['shift']} = {s['out']}"],
            f"clock {s['output vector']:,}",
        ),
        ("result buffer", ["all 16 columns", "beside each other", "again"], f"taken in {s['sum at the port']:,}"),
        (
            "accumulator",
            ["entry 13 of column 2,", "over five passes:", f"{s['sum']:,}"],
            f"clock {s['in the accumulator']:,}",
        ),
        ("column 2", ["sums go down through", "rows 12 to 15", ""], f"clock {s['out of the column']}"),
    ]
    parts = [f'<text class="lane t-result" x="{LEFT}" y="{y - 12}">the result</text>']
    parts += [box(n, y, "result", *each) for n, each in enumerate(boxes)]
    return parts + [arrow("result", n, y + 50, back=True) for n in range(6, 0, -1)]


def draw() -> str:
    """The figure."""
    s = story()
    top, bottom = ROWS["weight"], ROWS["activation"] + HEIGHT
    meeting = [
        "has it in slot 1",
        f"from clock {s['in the PE']} on",
        "",
        "reads slot 1, picks",
        "index 2 of the bundle",
        f"in clock {s['picked']}",
        "",
        f"{s['weight']} · {s['activation']} = {s['product']:,}",
        f"in clock {s['multiplied']}",
        "",
        "adds it to the sum",
        "from above",
    ]
    middle = x_of(6) + BOX // 2
    estimate = x_of(1) + BOX // 2
    priced = s["estimate of layer 2"]
    markers = "".join(
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" style="fill: {colour}; stroke: none"/>'
        "</marker>"
        for name, colour in (("weight", "var(--warm)"), ("activation", "var(--accent)"), ("result", "var(--ink)"))
    )
    label = "A weight goes from the checkpoint through memory, weight buffer and decoder into a processing element; an \
activation through output stage and banks; their product through accumulator and output stage to the next layer"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {ROWS["result"] + HEIGHT + 14}" role="img" '
        f'aria-label="{label}">',
        f"<style>{STYLE}</style>",
        f"<defs>{markers}</defs>",
        '<rect width="100%" height="100%" style="fill: var(--paper)"/>',
        f'<text class="lane" x="{LEFT}" y="24">'
        "One run of a small network on edge-16x16; clocks are counted from the "
        "start pulse on</text>",
        *weight_lane(s),
        *activation_lane(s),
        *result_lane(s),
        box(6, top, "result", "PE(11, 2)", meeting, f"clock {s['added']}", bottom - top),
        f'<path class="result" d="M{middle} {bottom}V{ROWS["result"] - 1}"/>',
        f'<path class="weight aside" d="M{estimate} {top + HEIGHT}V{top + HEIGHT + 26}"/>',
        f'<text x="{estimate + 8}" y="{top + HEIGHT + 20}">only its zeros: skipbeat estimate prices '
        f"the same program, this layer with {priced:,} clocks</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    write_text(str(Path(__file__).parent / "life.svg"), draw())
