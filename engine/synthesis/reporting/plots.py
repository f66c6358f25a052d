"""Plots as inline SVG. All their texts are ours; none comes from rows."""

from collections.abc import Sequence

import numpy as np

WIDTH, HEIGHT = 300, 90


def histogram(counts: Sequence[int], edges: Sequence[float], label: str, marks: Sequence[float] = ()) -> str:
    """A histogram whose bins have equal widths on the page.

    Args:
        counts: hypotheses by bin.
        edges: of the bins, one more than counts.
        label: what is counted.
        marks: thresholds. Those outside of the edges stand at the end.
    """
    peak, step = max(counts, default=0) or 1, WIDTH / len(counts)
    bars = "".join(
        f'<rect x="{i * step:.1f}" y="{HEIGHT - HEIGHT * count / peak:.1f}" width="{step - 1:.1f}" '
        f'height="{HEIGHT * count / peak:.1f}"><title>{edges[i]:.2f} to {edges[i + 1]:.2f}: {count:,}</title></rect>'
        for i, count in enumerate(counts)
    )
    lines = "".join(
        f'<line class="threshold" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{HEIGHT}">'
        f"<title>threshold {mark:.3g}</title></line>"
        for mark, x in ((mark, position(mark, edges)) for mark in marks)
    )
    ticks = "".join(
        f'<text x="{x * WIDTH:.0f}" y="{HEIGHT + 14}" text-anchor="{anchor}">{edge:.3g}</text>'
        for x, anchor, edge in ((0, "start", edges[0]), (0.5, "middle", edges[len(edges) // 2]), (1, "end", edges[-1]))
    )
    svg = f'<svg viewBox="0 -2 {WIDTH} {HEIGHT + 20}" role="img" aria-label="{label}">{bars}{lines}{ticks}</svg>'
    named = f"; threshold {' and '.join(f'{mark:.3g}' for mark in marks)}" if marks else ""
    return f"<figure>{svg}<figcaption>{label}{named}</figcaption></figure>"


def position(value: float, edges: Sequence[float]) -> float:
    """Where a value stands on a histogram's axis, in units of its view box."""
    return float(np.interp(value, edges, np.linspace(0, WIDTH, len(edges))))


def throughput(curve: Sequence[tuple[float, int]]) -> str:
    """Pool rows against seconds; "" for fewer than two points."""
    if len(curve) < 2:
        return ""
    width, height, end, top = 640, 160, curve[-1][0] or 1, curve[-1][1] or 1
    points = " ".join(f"{width * t / end:.1f},{height - height * rows / top:.1f}" for t, rows in curve)
    label = f"{top:,.0f} pool rows in {end:,.0f} s ({top / end:,.0f} rows/s); the curve is rows over time"
    return (
        f'<figure class="wide"><svg viewBox="0 -2 {width} {height + 4}" role="img" aria-label="{label}">'
        f'<polyline points="0,{height} {points}"/></svg><figcaption>{label}</figcaption></figure>'
    )
