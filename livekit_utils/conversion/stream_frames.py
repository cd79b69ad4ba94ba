"""stream_frames gives the frames of any stream in one format."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from livekit_utils._runtime.streams import close_iterator
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator


async def stream_frames(stream: Any, converter: FrameConverter, subject: str) -> AsyncGenerator[AudioFrame, None]:
    """Gives the frames of a stream, converted to one format, up to the last sample.

    Close it when it is left early: it closes the iterator that it has made of an iterable. A stream that is its own
    iterator belongs to the caller.

    Args:
        stream: An async or plain iterable or iterator of frames, or of events with a `frame`. One that is both is read
            as an async one.
        converter: To that format. Whoever flushes it while the stream pauses takes the rest up to the pause.
        subject: Who reads it, for the log.

    Raises:
        TypeError: It is none of these, or gives something else than frames.
        ValueError: A frame cannot be converted.
    """
    iterator = _iterator(stream)
    try:
        async for item in iterator:
            frame = as_audio_frame(item if isinstance(item, AudioFrame) else getattr(item, "frame", item))
            for converted in converter.push(frame):
                yield converted
        for converted in converter.flush():
            yield converted
    finally:
        if iterator is not stream:
            await close_iterator(iterator, f"{subject}: the iterator of a stream")


def _iterator(stream: Any) -> AsyncIterator[Any]:
    kind = type(stream)
    if hasattr(kind, "__anext__") and not hasattr(kind, "__aiter__"):
        return _Readable(stream)
    if hasattr(kind, "__aiter__"):
        return aiter(stream)
    if hasattr(kind, "__iter__"):
        return _in_turns(stream)
    raise TypeError(f"stream: expected an async or plain iterable of frames, got {kind.__name__}")


class _Readable:
    """An async iterator that can be iterated over."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __aiter__(self) -> _Readable:
        return self

    async def __anext__(self) -> Any:
        return await self._stream.__anext__()


async def _in_turns(stream: Any) -> AsyncGenerator[Any, None]:
    """Reads a plain iterable; other tasks have a turn after each item."""
    for item in stream:
        yield item
        await asyncio.sleep(0)
