"""Measures how much noise VoiceProcessor takes away, and how much of a voice with it.

    .venv/bin/python -m benchmarks.noise_reduction

Sentences of synthetic voices (espeak-ng) are mixed with noises at 0 to 20 dB, and processed. Each band's gain at each
time, which the processor chose for the mixture, is applied to the voice alone: the speech loss is what is missing.
The noise reduction is what is missing in the pauses. SI-SDR compares the output with the clean voice. With
`--rnnoise LIBRARY`, the path of a librnnoise, RNNoise is measured too.
"""

from __future__ import annotations

import argparse
import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.support.noise_reduction import VOICE_RMS, VOICES, measure, noises, voice, with_module, with_ours

LEVELS_DB = (0, 5, 10, 15, 20)


def with_rnnoise(path: str) -> Callable[[npt.NDArray[np.int16]], tuple[npt.NDArray[np.int16], float]]:
    library = ctypes.CDLL(path)
    library.rnnoise_create.restype = ctypes.c_void_p
    library.rnnoise_create.argtypes = [ctypes.c_void_p]
    library.rnnoise_process_frame.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]

    def process(pcm: npt.NDArray[np.int16]) -> tuple[npt.NDArray[np.int16], float]:
        state = library.rnnoise_create(None)
        blocks = pcm[: len(pcm) // 480 * 480].reshape(-1, 480).astype(np.float32)
        for block in blocks:
            library.rnnoise_process_frame(state, block.ctypes.data, block.ctypes.data)
        return np.clip(blocks.ravel(), -32768, 32767).astype(np.int16), 20.0

    return process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rnnoise", help="path of a librnnoise")
    parser.add_argument("--voices", type=int, default=len(VOICES), help="how many voices")
    arguments = parser.parse_args()
    ways: dict[str, Any] = {f"VoiceProcessor, level {level}": with_ours(level) for level in range(4)}
    ways |= {f"AudioProcessingModule, level {level}": with_module(level) for level in range(4)}
    if arguments.rnnoise:
        ways["rnnoise"] = with_rnnoise(arguments.rnnoise)
    voices = [voice(name) for name in VOICES[: arguments.voices]]
    print(
        f"{len(voices)} voices, 4 noises; means. SI-SDR in dB before and after, noise reduction and speech loss in dB"
    )
    for name, process in ways.items():
        for level_db in LEVELS_DB:
            rows = []
            for clean in voices:
                for _, noise in noises(len(clean)):
                    scale = VOICE_RMS / noise.std() * 10 ** (-level_db / 20)
                    rows.append(measure(process, clean, noise * scale))
            before, after, reduction, loss, cost = np.mean(rows, axis=0)
            print(
                f"{name:30} {level_db:3} dB: SI-SDR {before:5.1f} -> {after:5.1f}, noise -{reduction:4.1f}, "
                f"speech -{loss:4.2f}, {cost:.2f} ms per 10 ms",
                flush=True,
            )


if __name__ == "__main__":
    main()
