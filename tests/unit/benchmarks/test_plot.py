"""Pictures: well-formed, in proportion, and saying what they show."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from benchmarks import plot

SVG = "{http://www.w3.org/2000/svg}"


def bar(label: str, value: float, group: str = "g") -> plot.Bar:
    """A bar whose rounds were all the same."""
    return plot.Bar(label=label, value=value, low=value, high=value, text="t", group=group)


def test_a_bar_is_as_long_as_its_value() -> None:
    """And each group has a colour, which stands in the legend."""
    picture = plot.bars("Title", [bar("a", 1.0, "x"), bar("b & c", 0.25, "y")])
    rects = ET.fromstring(picture).findall(f"{SVG}rect")  # noqa: S314 - our own
    ground, a, b, legend_x, legend_y = (one.attrib for one in rects)
    assert float(a["width"]) == 4 * float(b["width"]) < float(ground["width"])
    assert (a["fill"], b["fill"]) == (legend_x["fill"], legend_y["fill"])
    assert a["fill"] != b["fill"]


def test_texts_are_there_and_escaped() -> None:
    """Whatever a label holds."""
    picture = plot.bars("A < B", [bar("b & c", 0.25)])
    texts = [one.text for one in ET.fromstring(picture).iter(f"{SVG}text")]  # noqa: S314
    assert texts == ["A < B", "b & c", "t", "g"]


def test_each_curve_has_a_panel_that_it_fills() -> None:
    """From 0 to its highest value; the last x is at the right."""
    curves = {"rate": [(0.0, 0.0), (5.0, 10.0)], "memory": [(0.0, 2_000.0), (10.0, 1_000.0)]}
    root = ET.fromstring(plot.lines("T", "minutes", curves))  # noqa: S314 - our own
    rate, memory = (
        [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        for line in root.iter(f"{SVG}polyline")
    )
    assert memory[1][0] - memory[0][0] == 2 * (rate[1][0] - rate[0][0]) > 0
    assert rate[0][1] - rate[1][1] == 2 * (memory[1][1] - memory[0][1]) > 0
    assert {"10", "2,000", "0 … 10 minutes"} <= {one.text for one in root.iter(f"{SVG}text")}


def test_nothing_is_a_picture_too() -> None:
    """Before anything was measured."""
    for picture in (plot.bars("T", []), plot.lines("T", "minutes", {})):
        assert ET.fromstring(picture).tag == f"{SVG}svg"  # noqa: S314 - our own
