"""Draws the flow charts of the architecture as rows of boxes that wrap on a narrow screen: HTML, no script."""

from __future__ import annotations

import re
from html import escape

_NODE = re.compile(r'\s*(\w+)(?:\["([^"]*)"\])?')
_ARROW = re.compile(r'\s*(-->|-\.->)(?:\|"([^"]*)"\|)?')

Edge = tuple[str, str, str, bool]  # from, to, label, dotted


def flow(chart: str) -> str:
    """The HTML of a chart in mermaid's `flowchart`, of which it reads chains of boxes and arrows with labels."""
    labels: dict[str, str] = {}
    chains: list[list[Edge]] = []
    for line in chart.strip().splitlines()[1:]:
        chain = _chain(line, labels)
        if not chain:
            continue
        # What goes on where the last one ended, is one row with it.
        if chains and chains[-1][-1][1] == chain[0][0]:
            chains[-1] += chain
        else:
            chains.append(chain)
    rows = (_row(chain, labels) for chain in _by_target(chains))
    return '<div class="flow">\n' + "\n".join(rows) + "\n</div>"


def _chain(line: str, labels: dict[str, str]) -> list[Edge]:
    found = _NODE.match(line)
    if not found:
        return []
    name, edges = _named(found, labels), []
    while arrow := _ARROW.match(line, found.end()):
        found = _NODE.match(line, arrow.end())
        if not found:
            raise ValueError(f"expected a box behind the arrow: {line}")
        target = _named(found, labels)
        edges.append((name, target, arrow[2] or "", arrow[1] != "-->"))
        name = target
    if line[found.end() :].strip():
        raise ValueError(f"cannot read {line[found.end() :]!r} of the chart")
    return edges


def _named(found: re.Match[str], labels: dict[str, str]) -> str:
    if found[2] or found[1] not in labels:
        labels[found[1]] = found[2] or found[1]
    return found[1]


def _by_target(chains: list[list[Edge]]) -> list[list[Edge]]:
    """Chains of one arrow that lead to the same box become neighbours."""
    if any(len(chain) > 2 for chain in chains):
        return chains
    edges = [edge for chain in chains for edge in chain]
    targets = dict.fromkeys(edge[1] for edge in edges)
    return [[edge for edge in edges if edge[1] == target] for target in targets]


def _row(chain: list[Edge], labels: dict[str, str]) -> str:
    if len(chain) > 1 and len({edge[1] for edge in chain}) == 1:
        sources = " ".join(_box(labels[edge[0]]) for edge in chain)
        return f"<p>{sources} {_arrow('', False)} {_box(labels[chain[0][1]])}</p>"
    parts = [_box(labels[chain[0][0]])]
    for _, target, label, dotted in chain:
        parts += [_arrow(label, dotted), _box(labels[target])]
    return f"<p>{' '.join(parts)}</p>"


def _box(text: str) -> str:
    name, colon, small = text.partition(": ")
    return f'<span class="box">{escape(name)}{f"<small>{escape(small)}</small>" if colon else ""}</span>'


def _arrow(label: str, dotted: bool) -> str:
    return f'<span class="arrow"><small>{escape(label)}</small> {"⇢" if dotted else "→"}</span>'
