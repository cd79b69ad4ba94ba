"""How well people tell colours: on a background, and from each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Colour = npt.NDArray[np.float64]

# What becomes of linear red, green and blue in the eyes of people without one kind of cones, as Machado, Oliveira and
# Fernandes (2009) model it.
SIGHTS: dict[str, npt.NDArray[np.float64]] = {
    "all cones": np.eye(3),
    "no red cones": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green cones": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}

# Of sRGB, to CIE XYZ with a white of D65.
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> Colour:
    """Light of red, green and blue, 0 to 1, of "#rrggbb"."""
    values = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """The ratio that WCAG 2 asks to be 3 for graphics and 4.5 for text, at least."""
    dark, light = sorted(float(_TO_XYZ[1] @ linear(colour)) + 0.05 for colour in (one, other))
    return light / dark


def difference(one: str, other: str, sight: str) -> float:
    """CIE 1976: 2.3 is just noticeable, and black and white are 100 apart."""
    return float(np.linalg.norm(_lab(one, sight) - _lab(other, sight)))


def _lab(colour: str, sight: str) -> Colour:
    seen = np.clip(SIGHTS[sight] @ linear(colour), 0, 1)
    ratios = _TO_XYZ @ seen / (_TO_XYZ @ np.ones(3))
    x, y, z = np.where(ratios > 216 / 24389, np.cbrt(ratios), (24389 / 27 * ratios + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])
