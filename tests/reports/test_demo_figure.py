"""The script that draws the README's picture."""

from __future__ import annotations

import importlib.util
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.reports.estimate.estimates import make_estimate

SCRIPT = Path(__file__).parents[2] / "docs" / "demo_figure.py"


def test_the_figure_is_an_image_with_every_layer_in_light_and_dark() -> None:
    spec = importlib.util.spec_from_file_location("demo_figure", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    estimate = make_estimate()
    text = module.draw(estimate, "int8 accuracy 98.0%")
    shown = [element.text for element in ET.fromstring(text).iter("{http://www.w3.org/2000/svg}text")]
    for layer in estimate.layers:
        assert shown.count(layer.name) == 2
    assert "prefers-color-scheme: dark" in text
    assert "× over dense" in text
