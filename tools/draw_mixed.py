"""Draws docs/mixed.png, as `make demo` does, in 256 colours: 224 of them are those of its scale of levels.

    .venv/bin/python -m tools.draw_mixed docs/mixed.png

It needs the extra `cli`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tools.colours import shrink

RECORDINGS = Path(__file__).parent.parent / "examples" / "recordings"
SOUNDS = ("guest.wav", "speech.wav", "music.flac", "bells.ogg")


def main(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "mixed.png"
        inputs = [str(RECORDINGS / sound) for sound in SOUNDS]
        outputs = ["-o", str(Path(folder) / "mixed.wav"), "--plot", str(drawn), "--rate", "48000"]
        command = [sys.executable, "-m", "livekit_utils", "mix", *inputs, *outputs]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with Image.open(drawn) as picture:
            shrink(picture.convert("RGB")).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "mixed.png"))
