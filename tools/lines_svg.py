"""Panels of lines as SVG, with the standard library only: what bench/cost.py and tools/curves.py draw with.

A panel is one pair of axes. Its caller says where values lie on the paper (pixels) and what is written at the ticks; panels stand side by
side, GAP pixels from one's left edge to the next one's.
"""
import math

WIDTH, HEIGHT, TOP, GAP = 250, 170, 40, 320
STYLE = (".axis,.at{text-anchor:middle}.tick{text-anchor:end;fill:#555}.at{fill:#555}.unit{fill:#555}"
         ".name{font-weight:bold}.grid{stroke:#ddd}")


def left_of(panel):
    """Where the number'th panel begins."""
    return 60 + GAP * panel


def round_ticks(low, high, most=5):
    """Steps of 1, 2 or 5 times a power of ten from at or below `low` to at or above `high`, at most so many steps."""
    power = 10 ** math.floor(math.log10((high - low) / most))
    for step in (power, 2 * power, 5 * power, 10 * power, 20 * power):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first <= most:
            return [k * step for k in range(first, last + 1)]


def axes(left, title, unit, x_ticks, y_ticks):
    """Grid and labels of a panel; ticks are (pixels, text)."""
    out = [f'<text x="{left + WIDTH / 2}" y="{TOP + HEIGHT + 38}" class="axis">{title}</text>',
           f'<text x="{left}" y="{TOP - 24}" class="unit">{unit}</text>']
    for y, text in y_ticks:
        out.append(f'<path d="M{left} {y:.1f}h{WIDTH}" class="grid"/><text x="{left - 6}" y="{y + 4:.1f}" class="tick">{text}</text>')
    return out + [f'<text x="{x:.1f}" y="{TOP + HEIGHT + 18}" class="at">{text}</text>' for x, text in x_ticks]


def line(points, colour, width=2, opacity=1):
    """Through points (x, y) in pixels."""
    at = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    faint = "" if opacity == 1 else f' opacity="{opacity}"'
    return f'<polyline points="{at}" fill="none" stroke="{colour}" stroke-width="{width}"{faint}/>'


def dot(x, y, colour, title, radius=3):
    """With a text that browsers show beside the pointer."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"><title>{title}</title></circle>'


def name(x, y, text, colour):
    return f'<text x="{x}" y="{y}" class="name" fill="{colour}">{text}</text>'


def page(body, panels, height):
    """The picture of so many panels side by side."""
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {GAP * panels + 20} {height}" font-family="sans-serif" font-size="12">
<style>{STYLE}</style>
<rect width="100%" height="100%" fill="#fff"/>
{body}
</svg>
"""
