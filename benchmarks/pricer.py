"""How quick `skipbeat.Pricer` is, and how far its sums are from whole estimates: schemes drawn at random.

python benchmarks/pricer.py zoo:resnet-50 --schemes 1000 --exact 8
"""

from __future__ import annotations

import argparse
import random
import time

import skipbeat
from skipbeat_models import zoo


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="zoo:resnet-50")
    parser.add_argument("--hw", default="edge-16x16")
    parser.add_argument("--schemes", type=int, default=1000)
    parser.add_argument("--exact", type=int, default=8)
    given = parser.parse_args()
    patterns = ["dense", "2:4", "1:4"]
    model, inputs, kwargs = zoo.find(given.model).source(0, None)
    begin = time.process_time()
    pricer = skipbeat.Pricer(model, inputs, given.hw, kwargs=kwargs, patterns=patterns[1:])
    pricer.table(patterns)
    print(f"{len(pricer.layers)} layers, {len(patterns)} patterns: {time.process_time() - begin:.1f} CPU-s, once")
    chosen = random.Random(0)
    schemes = [{name: chosen.choice(patterns) for name in pricer.layers} for _ in range(given.schemes)]
    begin = time.process_time()
    prices = [pricer.price(scheme) for scheme in schemes]
    print(f"{given.schemes / (time.process_time() - begin):,.0f} schemes per CPU-second")
    pairs = zip(schemes[: given.exact], prices, strict=False)
    errors = [price.cycles / pricer.exact(scheme).cycles - 1 for scheme, price in pairs]
    print("against whole estimates: " + ", ".join(f"{error:+.2%}" for error in errors))


if __name__ == "__main__":
    main()
