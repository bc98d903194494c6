"""Figures as pictures: SVG, written by hand, since bars and lines need no library.

A picture has a ground of its own, so it can be read on light and dark pages alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import msgspec

_WIDTH = 860
_ROW, _BAR = 30, 18
_LEFT, _RIGHT = 210, 190
_TOP, _FOOT = 54, 36
_PANEL, _GAP = 150, 44
_COLOURS = ("#8a8f98", "#d9822b", "#2a78b8", "#5a9e4b")
_INK, _PALE = "#1d2430", "#c9ced6"


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a bar chart. Values lie in 0 … 1."""

    label: str
    value: float
    low: float
    high: float
    text: str
    """Stands behind the bar."""
    group: str
    """Bars of one group have one colour."""


def bars(title: str, lines: Sequence[Bar]) -> str:
    """A chart of horizontal bars; a thin line spans from the lowest to the highest round."""
    groups = list(dict.fromkeys(line.group for line in lines))
    height = _TOP + len(lines) * _ROW + _FOOT
    span = _WIDTH - _LEFT - _RIGHT
    parts = []
    for index, line in enumerate(lines):
        top = _TOP + index * _ROW
        middle = top + _BAR / 2
        colour = _COLOURS[groups.index(line.group) % len(_COLOURS)]
        low, high = (_LEFT + span * min(value, 1.0) for value in (line.low, line.high))
        end = _LEFT + span * min(max(line.value, line.high), 1.0)
        parts += [
            _text(_LEFT - 10, middle, line.label, anchor="end"),
            (
                f'<rect x="{_LEFT}" y="{top}" width="{span * line.value:.1f}" height="{_BAR}" '
                f'fill="{colour}"/>'
            ),
            f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}" stroke="{_INK}"/>',
            _text(end + 8, middle, line.text),
        ]
    at = _LEFT
    for index, group in enumerate(groups):
        parts.append(
            f'<rect x="{at}" y="{height - 26}" width="12" height="12" '
            f'fill="{_COLOURS[index % len(_COLOURS)]}"/>'
        )
        parts.append(_text(at + 18, height - 20, group))
        at += 40 + 8 * len(group)
    return _picture(title, height, parts)


def lines(title: str, below: str, curves: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """One panel per curve, one below the other over a common x; each y begins at 0."""
    span = _WIDTH - _LEFT - 40
    last_x = max((x for points in curves.values() for x, _ in points), default=0.0) or 1.0
    parts = []
    for index, (name, points) in enumerate(curves.items()):
        bottom = _TOP + index * (_PANEL + _GAP) + _PANEL
        most = max((y for _, y in points), default=0.0) or 1.0
        path = " ".join(
            f"{_LEFT + span * x / last_x:.1f},{bottom - _PANEL * y / most:.1f}" for x, y in points
        )
        parts += [
            (
                f'<path d="M{_LEFT} {bottom - _PANEL}V{bottom}H{_LEFT + span}" fill="none" '
                f'stroke="{_PALE}"/>'
            ),
            (
                f'<polyline points="{path}" fill="none" stroke="{_COLOURS[index % len(_COLOURS)]}" '
                'stroke-width="2"/>'
            ),
            _text(_LEFT - 10, bottom - _PANEL / 2, name, anchor="end"),
            _text(_LEFT - 10, bottom - _PANEL + 4, f"{most:,.0f}", anchor="end"),
            _text(_LEFT - 10, bottom - 4, "0", anchor="end"),
        ]
    height = _TOP + len(curves) * (_PANEL + _GAP) + _FOOT
    parts.append(_text(_LEFT, height - 40, f"0 … {last_x:,.0f} {below}"))
    return _picture(title, height, parts)


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 13) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'dominant-baseline="middle" fill="{_INK}">{escape(text)}</text>'
    )


def _picture(title: str, height: int, parts: Sequence[str]) -> str:
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
                'font-family="system-ui, sans-serif">'
            ),
            f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
            _text(20, 24, title, size=16),
            *parts,
            "</svg>\n",
        ]
    )
