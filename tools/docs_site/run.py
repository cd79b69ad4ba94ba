"""Runs the steps of the tutorial and puts what they print, draw and write behind them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.docs_site.picture import draw_sound
from tools.docs_site.source import ROOT

_STEP = re.compile(r"```python\n(.*?)```\n", re.S)


def as_installed() -> dict[str, str]:
    """The environment of a user's program, which has the package installed: the source itself may not be compiled."""
    found = [path for path in sys.path if path and Path(path) != ROOT]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(found)}


def run_steps(text: str, folder: Path, files: Path, names: str) -> str:
    """Runs each block of Python in a folder, in a process of its own.

    Args:
        text: A page with the blocks.
        folder: Where they run, with the recordings of the examples; what they write is there for the next.
        files: Where the pictures and sounds for the page go.
        names: How the page calls that folder.

    Raises:
        SystemExit: A block fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files.mkdir(parents=True, exist_ok=True)
    for recording in (ROOT / "examples" / "recordings").glob("*.*"):
        shutil.copy(recording, folder)
    environment = as_installed()

    def step(found: re.Match[str]) -> str:
        before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
        command = [sys.executable, "-W", "error", "-c", found[1]]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, env=environment)
        if done.returncode:
            raise SystemExit(f"a step of the tutorial fails:\n{found[1]}\n{done.stderr}")
        parts = [found[0]]
        if done.stdout:
            parts.append(f"prints\n\n```text\n{done.stdout}```\n")
        for path in sorted(folder.glob("*.wav")):
            if before.get(path) != path.stat().st_mtime_ns:
                parts.append(_shown(path, files, names))
        return "\n".join(parts)

    return _STEP.sub(step, text)


def _shown(path: Path, files: Path, names: str) -> str:
    shutil.copy(path, files)
    draw_sound(path, files / f"{path.stem}.png")
    player = f'<audio controls preload="none" src="{names}/{path.name}"></audio>'
    return (
        f'<p class="sound"><code>{path.name}</code> {player}</p>'
        f"\n\n![The waveform and the spectrogram of {path.name}]({names}/{path.stem}.png)\n"
    )
