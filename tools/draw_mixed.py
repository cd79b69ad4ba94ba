"""Draws docs/mixed.png, as `make demo` does, in 256 colours: 224 of them are those of its scale of levels.

    .venv/bin/python -m tools.draw_mixed docs/mixed.png

It needs the extra `cli`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image

RECORDINGS = Path(__file__).parent.parent / "examples" / "recordings"
SOUNDS = ("guest.wav", "speech.wav", "music.flac", "bells.ogg")
BLUE = np.array([0x00, 0x72, 0xB2]) / 255


def main(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "mixed.png"
        inputs = [str(RECORDINGS / sound) for sound in SOUNDS]
        outputs = ["-o", str(Path(folder) / "mixed.wav"), "--plot", str(drawn), "--rate", "48000"]
        command = [sys.executable, "-m", "livekit_utils", "mix", *inputs, *outputs]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with Image.open(drawn) as picture:
            shrink(picture.convert("RGB")).save(path, optimize=True)


def shrink(picture: Image.Image) -> Image.Image:
    scale = mpl.colormaps["magma"](np.linspace(0, 1, 224))[:, :3]
    blues = [1 - share * (1 - BLUE) for share in np.linspace(0, 1, 10)]
    greys = [np.full(3, share) for share in np.linspace(0, 1, 22)]
    colours = (np.vstack([scale, blues, greys]) * 255).round().astype(np.uint8)
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours.ravel().tolist())
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "mixed.png"))
