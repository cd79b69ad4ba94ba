"""The colours of the pictures of the documentation: of Okabe and Ito's, which people without red or green cones can
tell from each other. A test holds that."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from PIL import Image

BLUE, VERMILION, ORANGE, GREEN, BLACK = "#0072b2", "#d55e00", "#e69f00", "#009e73", "#333333"

TWO = (BLUE, VERMILION)
FOUR = (BLUE, ORANGE, GREEN, BLACK)


def shrink(picture: Image.Image) -> Image.Image:
    """Returns a picture of levels in 256 colours: 224 of them are those of the scale, so that it has no steps."""
    blue = np.array([int(BLUE[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    scale = mpl.colormaps["magma"](np.linspace(0, 1, 224))[:, :3]
    blues = [1 - share * (1 - blue) for share in np.linspace(0, 1, 10)]
    greys = [np.full(3, share) for share in np.linspace(0, 1, 22)]
    colours = (np.vstack([scale, blues, greys]) * 255).round().astype(np.uint8)
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours.ravel().tolist())
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)
