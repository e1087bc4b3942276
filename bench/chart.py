"""The heart of the results as a picture: changes per second and CPU per change, ours beside the peers', as SVG."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from bench.results import Results, median
from bench.rounds import AT_ONCE, Cell

_COLOURS = {"ostiary": "#1d4ed8", "better-auth": "#94a3b8", "allauth": "#d6d3d1"}
_DIALECTS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_INK, _FAINT = "#1f2937", "#6b7280"
_WIDTH, _HEIGHT = 880, 620
_MARGIN, _GAP = 30, 40
_PLOT_WIDTH = (_WIDTH - 2 * _MARGIN - _GAP) / 2
_PLOT_HEIGHT = 180
_BAR = 34
_TOPS = (100, 380)
"""Where the two rows of plots begin."""

Value = Callable[[Cell], float]


@dataclass(frozen=True)
class Plot:
    """One quantity on one dialect, in groups of so many at once."""

    title: str
    dialect: str
    value: Value
    digits: int
    left: float
    top: float


def draw(results: Results) -> str:
    """The whole picture. It brings its own ground, so that it reads on a dark page too."""
    svg = ET.Element(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        attrib={"font-family": "system-ui, sans-serif", "font-size": "12"},
    )
    ET.SubElement(svg, "title").text = "What a phone change costs"
    _rect(svg, 0, 0, _WIDTH, _HEIGHT, "#ffffff", rx="8")
    _text(svg, _MARGIN, 36, "Complete phone changes, and what one costs the server", size=18, bold=True)
    _legend(svg)
    for row, (quantity, value, digits) in enumerate(
        (
            ("changes per second (more is better)", lambda cell: cell.rate, 0),
            ("server CPU per change, ms (less is better)", lambda cell: cell.server_ms, 1),
        )
    ):
        for column, (dialect, name) in enumerate(_DIALECTS.items()):
            left = _MARGIN + column * (_PLOT_WIDTH + _GAP)
            _plot(svg, results, Plot(f"{name}: {quantity}", dialect, value, digits, left, _TOPS[row]))
    ET.indent(svg)
    return ET.tostring(svg, encoding="unicode") + "\n"


def _legend(svg: ET.Element) -> None:
    left = float(_MARGIN)
    for name, colour in _COLOURS.items():
        _rect(svg, left, 52, 12, 12, colour)
        _text(svg, left + 18, 62, name)
        left += 34 + 8 * len(name)
    told = "medians of the rounds; the line: least and greatest"
    _text(svg, _WIDTH - _MARGIN, 62, told, colour=_FAINT, anchor="end")


def _plot(svg: ET.Element, results: Results, plot: Plot) -> None:
    products = [name for name in _COLOURS if f"{name} {plot.dialect}" in results.rounds.cells]
    values = {
        (name, at_once): [plot.value(cell) for cell in results.cells(f"{name} {plot.dialect}", at_once)]
        for name in products
        for at_once in AT_ONCE
    }
    highest = max(value for several in values.values() for value in several)
    bottom = plot.top + 30 + _PLOT_HEIGHT
    _text(svg, plot.left, plot.top + 8, plot.title, bold=True)
    group = _PLOT_WIDTH / len(AT_ONCE)
    for place, at_once in enumerate(AT_ONCE):
        middle = plot.left + (place + 0.5) * group
        left = middle - _BAR * len(products) / 2
        for name in products:
            _bar(
                svg, left, bottom, values[name, at_once], _PLOT_HEIGHT / highest, plot.digits, _COLOURS[name]
            )
            left += _BAR
        _text(svg, middle, bottom + 18, f"{at_once} at once", colour=_FAINT, anchor="middle")
    _line(svg, plot.left, bottom, plot.left + _PLOT_WIDTH, bottom)


def _bar(
    svg: ET.Element,
    left: float,
    bottom: float,
    values: list[float],
    scale: float,
    digits: int,
    colour: str,
) -> None:
    height = median(values) * scale
    _rect(svg, left + 2, bottom - height, _BAR - 4, height, colour)
    middle = left + _BAR / 2
    _line(svg, middle, bottom - min(values) * scale, middle, bottom - max(values) * scale)
    shown = f"{median(values):,.{digits}f}"
    _text(svg, middle, bottom - max(values) * scale - 5, shown, size=11, anchor="middle")


def _rect(svg: ET.Element, x: float, y: float, width: float, height: float, fill: str, **more: str) -> None:
    ET.SubElement(svg, "rect", {**_numbers(x=x, y=y, width=width, height=height), "fill": fill, **more})


def _line(svg: ET.Element, x1: float, y1: float, x2: float, y2: float) -> None:
    ET.SubElement(svg, "line", {**_numbers(x1=x1, y1=y1, x2=x2, y2=y2), "stroke": _INK})


def _text(
    svg: ET.Element,
    x: float,
    y: float,
    text: str,
    *,
    size: int = 12,
    bold: bool = False,
    colour: str = _INK,
    anchor: str = "start",
) -> None:
    attributes = {**_numbers(x=x, y=y), "font-size": str(size), "fill": colour, "text-anchor": anchor}
    if bold:
        attributes["font-weight"] = "600"
    ET.SubElement(svg, "text", attributes).text = text


def _numbers(**values: float) -> dict[str, str]:
    return {name: f"{value:.1f}".removesuffix(".0") for name, value in values.items()}


def texts(svg: str) -> Iterable[str]:
    """All that is written in it, top to bottom as drawn."""
    return (one.text or "" for one in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"))
