"""Plots as SVG text that stands in the report itself."""

import html
import statistics
from collections.abc import Mapping, Sequence

from polydistill.engine.languages import get_language
from polydistill.eval.scores import Result
from polydistill.eval.scores import arm as arm_of

# Okabe and Ito's colors, told apart by color-blind readers.
Colors = ("#999999", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")


def colors(models: Sequence[str]) -> dict[str, str]:
    """One color per arm, so that the seeds of an arm look alike. From the ninth on, the same colors are paler."""
    arms = list(dict.fromkeys(arm_of(model) for model in models))
    shades = {arm: _pale(Colors[i % len(Colors)], i // len(Colors)) for i, arm in enumerate(arms)}
    return {model: shades[arm_of(model)] for model in models}


def bars(title: str, rows: Sequence[Result], marks: Mapping[str, float] | None = None) -> str:
    """Grouped bars with intervals: a group per language, a bar per model. The axis starts at 0.

    `marks` (language -> value) are drawn as dashed lines across the groups: what gold answers get.
    """
    rows = [row for row in rows if row.n]
    if not rows:
        return ""
    languages = list(dict.fromkeys(row.language for row in rows))
    models = list(dict.fromkeys(row.model for row in rows))
    color = colors(models)
    height, left, top, bottom = 180.0, 34.0, 12.0, 38.0
    bar = max(4.0, min(18.0, 420.0 / (len(languages) * (len(models) + 1))))
    group = bar * (len(models) + 1)
    width = left + group * len(languages) + 8
    limit = _limit(max([row.high or 0.0 for row in rows] + list((marks or {}).values())))
    scale = height / limit
    drawn = [_axis(limit, left, top, height, width)]
    cells = {(row.language, row.model): row for row in rows}
    for g, language in enumerate(languages):
        start = left + g * group + bar / 2
        for m, model in enumerate(models):
            row = cells.get((language, model))
            if row:
                drawn.append(_bar(row, start + m * bar, bar, top + height, scale, color[model]))
        if language in (marks or {}):
            y = top + height - marks[language] * scale  # type: ignore[index]
            tip = f"<title>gold answers: {marks[language]:.1f}</title>"  # type: ignore[index]
            drawn.append(
                f'<path d="M{start - 3:.1f} {y:.1f}H{start + len(models) * bar + 3:.1f}" class="mark">{tip}</path>'
            )
        name = html.escape(get_language(language).name)
        middle = start + len(models) * bar / 2
        drawn.append(f'<text x="{middle:.1f}" y="{top + height + 14:.0f}" text-anchor="middle">{name}</text>')
    label = "lower is better" if not rows[0].higher_is_better else ""
    label += "; dashed: what the gold answers get" if marks else ""
    svg = (
        f'<svg viewBox="0 0 {width:.0f} {height + top + bottom:.0f}" width="{width:.0f}" role="img" '
        f'aria-label="{html.escape(title)} by language and model">{"".join(drawn)}</svg>'
    )
    return f"<figure><figcaption>{html.escape(title)} <small>{label}</small></figcaption>{svg}{_legend(color)}</figure>"


def dots(title: str, runs: Mapping[str, Sequence[float]]) -> str:
    """A line per arm: a dot for each run's value, a bar from a standard deviation below their mean to one above."""
    color = colors(list(runs))
    line, top = 17.0, 6.0
    left = 14 + 6.2 * max(map(len, runs))
    width = left + 270
    height = line * len(runs)
    limit = _limit(max(value for values in runs.values() for value in values))
    x = lambda value: left + (width - left - 10) * min(max(value, 0.0), limit) / limit  # noqa: E731
    drawn = []
    for step in range(5):
        drawn.append(f'<path d="M{x(limit * step / 4):.1f} {top:.0f}V{top + height:.0f}" class="grid"/>')
        drawn.append(
            f'<text x="{x(limit * step / 4):.1f}" y="{top + height + 13:.0f}" text-anchor="middle">'
            f"{limit * step / 4:g}</text>"
        )
    for index, (arm, values) in enumerate(runs.items()):
        y = top + line * (index + 0.5)
        mean, sd = statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0
        tip = html.escape(f"{arm}: " + ", ".join(f"{value:.1f}" for value in values))
        circles = "".join(f'<circle cx="{x(value):.1f}" cy="{y:.1f}" r="3" fill-opacity=".7"/>' for value in values)
        drawn.append(
            f'<text x="{left - 8:.0f}" y="{y + 4:.1f}" text-anchor="end">{html.escape(arm)}</text>'
            f'<g fill="{color[arm]}"><title>{tip}</title>{circles}</g>'
            f'<path d="M{x(mean - sd):.1f} {y:.1f}H{x(mean + sd):.1f}M{x(mean):.1f} {y - 5:.1f}v10" class="interval"/>'
        )
    svg = (
        f'<svg viewBox="0 0 {width:.0f} {height + top + 18:.0f}" width="{width:.0f}" role="img" '
        f'aria-label="{html.escape(title)} by method">{"".join(drawn)}</svg>'
    )
    return f"<figure><figcaption>{html.escape(title)}</figcaption>{svg}</figure>"


def lines(title: str, series: Mapping[str, Sequence[float]], color: Mapping[str, str], limit: float = 100.0) -> str:
    """One line per series over layers 0, 1, ...; the axis starts at 0."""
    height, left, top, bottom, width = 180.0, 34.0, 12.0, 30.0, 380.0
    count = max((len(values) for values in series.values()), default=1)
    step = (width - left - 12) / max(count - 1, 1)
    drawn = [_axis(limit, left, top, height, width)]
    for layer in range(0, count, max(1, count // 8)):
        drawn.append(
            f'<text x="{left + layer * step:.0f}" y="{top + height + 14:.0f}" text-anchor="middle">{layer}</text>'
        )
    for name, values in series.items():
        points = " ".join(f"{left + i * step:.1f},{top + height * (1 - v / limit):.1f}" for i, v in enumerate(values))
        tip = html.escape(f"{name}: " + ", ".join(f"{value:.1f}" for value in values))
        style = f'fill="none" stroke="{color[name]}" stroke-width="2"'
        drawn.append(f'<polyline points="{points}" {style}><title>{tip}</title></polyline>')
    drawn.append(f'<text x="{(left + width) / 2:.0f}" y="{top + height + 27:.0f}" text-anchor="middle">layer</text>')
    svg = (
        f'<svg viewBox="0 0 {width:.0f} {height + top + bottom:.0f}" width="{width:.0f}" role="img" '
        f'aria-label="{html.escape(title)} by layer">{"".join(drawn)}</svg>'
    )
    return f"<figure><figcaption>{html.escape(title)}</figcaption>{svg}{_legend(color)}</figure>"


def scatter(title: str, points: Mapping[str, Sequence[Sequence[float]]]) -> str:
    """Points in the unit square, a color per language; pointing at one names its sentence's number."""
    size = 300.0
    color = {language: Colors[i % len(Colors)] for i, language in enumerate(points)}
    dots = "".join(
        f'<circle cx="{6 + x * (size - 12):.1f}" cy="{6 + y * (size - 12):.1f}" r="2.6" fill="{color[language]}" '
        f'fill-opacity=".75"><title>{html.escape(get_language(language).name)} {number}</title></circle>'
        for language, rows in points.items()
        for number, (x, y) in enumerate(rows, 1)
    )
    names = {get_language(language).name: value for language, value in color.items()}
    svg = (
        f'<svg viewBox="0 0 {size:.0f} {size:.0f}" width="{size:.0f}" role="img" aria-label="{html.escape(title)}">'
        f'<rect width="{size:.0f}" height="{size:.0f}" class="frame"/>{dots}</svg>'
    )
    return f"<figure><figcaption>{html.escape(title)}</figcaption>{svg}{_legend(names)}</figure>"


def _pale(color: str, steps: int) -> str:
    """`color` (#rrggbb) moved towards white, each step half of the way."""
    parts = [255 - (255 - int(color[i : i + 2], 16)) // 2**steps for i in (1, 3, 5)]
    return "#" + "".join(f"{part:02x}" for part in parts)


def _bar(row: Result, x: float, width: float, base: float, scale: float, color: str) -> str:
    value, low, high = row.value or 0.0, row.low or 0.0, row.high or 0.0
    tip = f"{row.model}, {row.language}: {value:.1f} [{low:.1f}, {high:.1f}], n={row.n}"
    middle = x + width / 2
    y = base - value * scale
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width - 1:.1f}" height="{max(base - y, 0.5):.1f}" fill="{color}">'
        f"<title>{html.escape(tip)}</title></rect>"
        f'<path d="M{middle:.1f} {base - low * scale:.1f}V{base - high * scale:.1f}" class="interval"/>'
    )


def _axis(limit: float, left: float, top: float, height: float, width: float) -> str:
    lines = []
    for step in range(5):
        value = limit * step / 4
        y = top + height - height * step / 4
        lines.append(f'<path d="M{left:.0f} {y:.1f}H{width:.0f}" class="grid"/>')
        lines.append(f'<text x="{left - 4:.0f}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    return "".join(lines)


def _limit(highest: float) -> float:
    """The end of an axis from 0: the next of 1, 2, 4, 10, 20, 40, 60, 80, 100."""
    return next((limit for limit in (1.0, 2.0, 4.0, 10.0, 20.0, 40.0, 60.0, 80.0) if highest <= limit), 100.0)


def _legend(color: Mapping[str, str]) -> str:
    arms = {arm_of(model): value for model, value in color.items()}
    items = "".join(f'<span><i style="background:{value}"></i>{html.escape(arm)}</span>' for arm, value in arms.items())
    return f'<div class="legend">{items}</div>'
