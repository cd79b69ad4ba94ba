"""writable: the samples of a frame, to be changed in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame, make_writable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def writable(name: str, frame: Any) -> tuple[AudioFrame, NDArray[np.int16]]:
    """Returns the frame, or a frame of ours over the memory of another one's, and its samples as a writable array."""
    import numpy as np

    view = frame
    if isinstance(frame, AudioFrame):
        make_writable(frame)
    else:
        view = as_audio_frame(frame)
        if view.data.readonly:
            if not hasattr(frame, "_data"):
                raise ValueError(f"{name}: expected writable data, got a {type(frame).__name__} with read-only data")
            # The SDK's frame keeps its samples there, and does the same for itself.
            frame._data = bytearray(view.data)
            view = as_audio_frame(frame)
    samples = np.frombuffer(view.data, np.int16) if view.samples_per_channel else np.empty(0, np.int16)
    return view, samples
