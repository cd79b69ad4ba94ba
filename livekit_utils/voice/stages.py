"""VoiceStages, the choice of stages of an AudioProcessingModule, and AudioProcessingModuleStats, its statistics."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from livekit_utils._runtime.arguments import check_int, check_number
from livekit_utils._runtime.install import install_line
from livekit_utils._runtime.public_path import public

__all__ = ["AudioProcessingModuleStats"]


@dataclass(frozen=True, kw_only=True, slots=True)
class VoiceStages:
    """The stages that are switched on, and their settings; checked.

    Raises:
        ImportError: A stage needs a package that is not installed.
        ValueError: A number is out of range.
        TypeError: A setting is not a number.
    """

    echo_cancellation: bool = False
    noise_suppression: bool = False
    high_pass_filter: bool = False
    auto_gain_control: bool = False
    noise_suppression_level: int = 1
    max_gain_db: float = 50.0
    keep_speech: bool = False  # the noise suppression is less strong while somebody speaks

    def __post_init__(self) -> None:
        for name in ("echo_cancellation", "noise_suppression", "high_pass_filter", "auto_gain_control"):
            object.__setattr__(self, name, bool(getattr(self, name)))
        level = check_int("noise_suppression_level", self.noise_suppression_level, 0, 3)
        object.__setattr__(self, "noise_suppression_level", level)
        object.__setattr__(self, "max_gain_db", check_number("max_gain_db", self.max_gain_db, 0, 90))
        if self.echo_cancellation or self.has_enhancer:
            try:
                import pywebrtc_audio  # noqa: F401
            except ImportError as error:
                raise ImportError(
                    "echo cancellation, noise suppression and gain control need the package pywebrtc-audio: "
                    + install_line("devices"),
                    name="pywebrtc_audio",
                ) from error

    @property
    def has_enhancer(self) -> bool:
        """Returns whether a VoiceEnhancer is needed."""
        return self.noise_suppression or self.auto_gain_control

    def of_enhancer(self) -> VoiceStages:
        """Returns a copy that is equal to another one's where both need the same VoiceEnhancer."""
        return replace(self, echo_cancellation=False, high_pass_filter=False)

    def changed(self, **settings: Any) -> VoiceStages:
        """Returns a copy with other settings; raises as the constructor does."""
        return replace(self, **settings)


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class AudioProcessingModuleStats:
    """The levels, delays and gaps that an `AudioProcessingModule` has measured.

    Levels are the RMS of the last second in dBFS, where a full-scale square wave has 0; silence is -inf. The reference
    is the sound that `process_reverse_stream` was given.
    """

    input_level_dbfs: float
    """Level of the microphone before processing."""
    output_level_dbfs: float
    """Level after processing."""
    reference_level_dbfs: float
    """Level of the reference; -inf without echo cancellation."""
    erle_db: float | None
    """Echo return loss enhancement: the attenuation of the microphone by the canceller, over the last second in which
    the reference was above -60 dBFS. A voice in the room lowers it. None before the first such block, and without
    echo cancellation."""
    echo_delay_ms: float | None
    """Time from a sound in the reference to its echo, over the last 2 s. None if no echo was found."""
    speech_probability: float | None
    """Probability of speech in the last 10 ms, 0 to 1. None if no stage but the high-pass filter has processed any."""
    gain_db: float
    """Gain of the gain control now; 0 without it."""
    reference_queued_ms: float
    """Reference that is queued until the microphone needs it."""
    reference_missing_ms: float
    """Microphone sound, in total, for which there was no reference: nothing was playing, or it came too late."""
    reference_dropped_ms: float
    """Reference, in total, that was dropped: the microphone paused, or the reference came too late."""
    latency_ms: float
    """Time by which the output lags the input."""
