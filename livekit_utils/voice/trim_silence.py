"""trim_silence cuts off what comes before the first and after the last word."""

from __future__ import annotations

from livekit_utils._runtime.arguments import check_ms
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame
from livekit_utils.voice.speech_spans import SpeechSpans

__all__ = ["trim_silence"]


@public
def trim_silence(frame: AudioFrame, *, margin_ms: float = 200.0, threshold: float = 0.5) -> AudioFrame:
    """Returns the part of a frame in which somebody speaks: without the silence and noise before and after.

    Speech is found by a `VoiceActivityDetector`. Pauses inside are kept. The last sound of a sentence may be too soft
    to be found in noise, so the margin should be 100 ms or more.

    Args:
        frame: A frame of any length and channel count (ours or the LiveKit SDK's), with 8000 to 384000 Hz. It is not
            changed.
        margin_ms: What is kept before and after the speech, up to 60000.
        threshold: Probability from which on it is speech, 0 to 1.

    Returns:
        A new frame over a copy of the samples; one without samples if nobody speaks.

    Raises:
        ImportError: pywebrtc-audio is not installed.
        ValueError: An argument is out of range.
        TypeError: `frame` is no frame, or an argument is no number.

    Example:
        >>> from livekit_utils import AudioFrame
        >>> trim_silence(AudioFrame.create(48000, 1, 48000)).samples_per_channel
        0
    """
    margin_s = check_ms("margin_ms", margin_ms, 60_000.0) / 1000
    frame = as_audio_frame(frame)
    rate, num_channels = frame.sample_rate, frame.num_channels
    speech = SpeechSpans(rate, threshold)
    speech.add(frame)
    start, end = speech.finish_part(frame.samples_per_channel, margin_s)
    samples = bytearray(frame.data.cast("B")[2 * num_channels * start : 2 * num_channels * end])
    return AudioFrame(samples, rate, num_channels, end - start)
