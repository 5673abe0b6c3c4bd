"""The script that draws the README's picture."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.reports.summaries import make_summary

SCRIPT = Path(__file__).parents[2] / "docs" / "demo_figure.py"


def test_the_figure_is_an_image_with_every_layer_in_light_and_dark(tmp_path: Path) -> None:
    summary = make_summary()
    (tmp_path / "summary.json").write_text(json.dumps(summary.to_json()))
    source, target = tmp_path / "summary.json", tmp_path / "demo.svg"
    subprocess.run([sys.executable, str(SCRIPT), str(source), str(target)], check=True)
    text = target.read_text()
    shown = [element.text for element in ET.fromstring(text).iter("{http://www.w3.org/2000/svg}text")]
    for layer in summary.layers:
        assert shown.count(layer.name) == 2
    assert "prefers-color-scheme: dark" in text
    assert f"{summary.speedup:.2f}× over dense" in text
