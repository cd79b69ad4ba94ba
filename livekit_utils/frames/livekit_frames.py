"""Converts frames to and from those of the LiveKit SDK."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, overload

from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame
from livekit_utils.frames.sdk import load
from livekit_utils.frames.video_frame import VideoFrame, as_video_frame

if TYPE_CHECKING:
    from livekit import rtc

__all__ = ["from_livekit", "to_livekit"]


@overload
def to_livekit(frame: AudioFrame | rtc.AudioFrame) -> rtc.AudioFrame: ...
@overload
def to_livekit(frame: VideoFrame | rtc.VideoFrame) -> rtc.VideoFrame: ...
@public
def to_livekit(frame: Any) -> Any:
    """Returns a frame of this package as one of the LiveKit SDK.

    It is rarely needed: the SDK's classes and livekit-agents take our frames as they are, and `isinstance` counts them
    as theirs. It is for code that compares types (`type(frame) is rtc.AudioFrame`), and for read-only audio frames
    where the SDK's resampler or `AudioProcessingModule` refuses them: those of SDK 1.0.x always, the resampler of later
    ones where their memory does not begin `bytes`.

    Args:
        frame: An `AudioFrame` or `VideoFrame`. One of the SDK's is returned as it is.

    Returns:
        A frame over the same memory, if the SDK can take it: SDK 1.0.x always copies; later ones copy read-only memory
        that is no `bytes`, or `bytes` that are longer than the frame. It shares `userdata` if the SDK has it.

    Raises:
        ImportError: The SDK is not installed.
        TypeError: The argument is not a frame.

    Example:
        >>> to_livekit(AudioFrame.create(48000, 1, 480))
        rtc.AudioFrame(sample_rate=48000, num_channels=1, samples_per_channel=480, duration=0.010)
    """
    sdk = load()
    ours = from_livekit(frame)
    if ours is not frame and isinstance(frame, (sdk.AudioFrame, sdk.VideoFrame)):
        return frame
    data = _owned(ours.data)
    if isinstance(ours, VideoFrame):
        return sdk.VideoFrame(ours.width, ours.height, int(ours.type), data)
    userdata = {"userdata": ours.userdata} if hasattr(sdk.AudioFrame, "userdata") else {}
    return sdk.AudioFrame(data, ours.sample_rate, ours.num_channels, ours.samples_per_channel, **userdata)


@overload
def from_livekit(frame: rtc.AudioFrame | AudioFrame) -> AudioFrame: ...
@overload
def from_livekit(frame: rtc.VideoFrame | VideoFrame) -> VideoFrame: ...
@public
def from_livekit(frame: Any) -> Any:
    """Returns a frame of the LiveKit SDK as one of this package, over the same memory, with the same `userdata`.

    It is rarely needed: every function here that takes a frame takes the SDK's as well.

    Args:
        frame: An audio or video frame. One of this package is returned as it is.

    Raises:
        TypeError: The argument is not a frame.
        ValueError: The data is shorter than its other attributes say.
    """
    if hasattr(frame, "samples_per_channel"):
        return as_audio_frame(frame)
    if hasattr(frame, "width") and hasattr(frame, "height"):
        return as_video_frame(frame)
    raise TypeError(f"frame: expected an audio or a video frame, got {type(frame).__name__}")


def _owned(data: memoryview) -> memoryview | bytes:
    """Returns the memory in an object of exactly its length, which the SDK keeps; a copy if the SDK cannot find it."""
    if not data.readonly:
        return memoryview((ctypes.c_char * data.nbytes).from_buffer(data)).cast("B")
    return data.cast("B") if isinstance(data.obj, bytes) else bytes(data)
