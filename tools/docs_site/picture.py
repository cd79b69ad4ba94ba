"""Draws a sound for the documentation: its waveform above its spectrogram."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

# Of Okabe and Ito's colours, which red-green blind readers can tell.
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#777777"
CHANNELS = ("left", "right")


def read_wav(path: Path) -> tuple[npt.NDArray[np.int16], int]:
    with wave.open(str(path)) as file:
        values = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        return values.reshape(-1, file.getnchannels()), file.getframerate()


def draw_sound(sound: Path, picture: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    values, rate = read_wav(sound)
    seconds = len(values) / rate
    num_channels = values.shape[1]
    figure = Figure(figsize=(7.2, 1.5 * num_channels + 1.9), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(num_channels + 1, 1, sharex=True, squeeze=False)[:, 0]
    for channel in range(num_channels):
        low, high, edges = _envelope(values[:, channel] / 32768, seconds)
        axes[channel].fill_between(edges, low, high, step="post", color=(BLUE, ORANGE)[channel % 2], linewidth=0.3)
        axes[channel].set(ylim=(-1.05, 1.05), yticks=(-1, 0, 1), ylabel="amplitude")
        if num_channels == 2:
            axes[channel].set_title(CHANNELS[channel], loc="left", fontsize=9)
    mono = values.mean(axis=1) / 32768
    levels, top_khz = _spectrogram(mono, rate)
    image = axes[-1].imshow(
        levels, origin="lower", aspect="auto", cmap="cividis", vmin=-90, vmax=0, extent=(0, seconds, 0, top_khz)
    )
    axes[-1].set(xlabel="time in s", ylabel="frequency in kHz")
    figure.colorbar(image, ax=axes[-1], label="dBFS", extend="min", pad=0.01)
    figure.savefig(picture, metadata={"Software": None})


def _envelope(values: npt.NDArray[np.float64], seconds: float) -> tuple[npt.NDArray[np.float64], ...]:
    columns = min(700, max(1, len(values)))
    parts = np.array_split(values, columns)
    low, high = np.array([part.min() for part in parts]), np.array([part.max() for part in parts])
    edges = np.linspace(0, seconds, columns + 1)
    return np.append(low, low[-1]), np.append(high, high[-1]), edges


def _spectrogram(values: npt.NDArray[np.float64], rate: int) -> tuple[npt.NDArray[np.float64], float]:
    """Levels in dB, where a full-scale sine wave has 0, up to 8 kHz."""
    size = 1 << max(6, int(np.log2(rate * 0.03)))
    hop = max(1, len(values) // 600, size // 4)
    values = np.pad(values, (size // 2, size))
    window = np.hanning(size)
    starts = range(0, len(values) - size, hop)
    spectra = np.abs(np.fft.rfft([values[start : start + size] * window for start in starts], axis=1)) * 4 / size
    top_khz = min(8.0, rate / 2000)
    rows = max(2, round(top_khz * 1000 * size / rate))
    return 20 * np.log10(np.maximum(spectra[:, :rows].T, 1e-6)), top_khz
