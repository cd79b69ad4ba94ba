"""FrameProcessor on an AudioStream: it does its work, and no harm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from livekit_utils import (
    AudioFrame,
    AudioSource,
    AudioStream,
    AudioStreamInfo,
    FrameProcessor,
    LocalAudioTrack,
)
from tests.support.tape import RATE, constant, read
from tests.support.virtual_time import run

DOCUMENTED = '''
from livekit_utils import FrameProcessor, AudioFrame
import numpy as np

class GainProcessor(FrameProcessor[AudioFrame]):
    """Custom audio gain processor."""
    
    def __init__(self, gain: float = 1.0):
        self._enabled = True
        self._gain = gain
    
    @property
    def enabled(self) -> bool:
        return self._enabled
    
    @enabled.setter
    def enabled(self, value: bool):
        self._enabled = value
    
    def set_gain(self, gain: float):
        """Set gain multiplier."""
        self._gain = gain
    
    def _process(self, frame: AudioFrame) -> AudioFrame:
        """Apply gain to audio frame."""
        if not self._enabled or self._gain == 1.0:
            return frame
        
        # Convert to numpy array
        samples = np.frombuffer(frame.data, dtype=np.int16)
        
        # Apply gain
        samples = samples.astype(np.float32) * self._gain
        
        # Clamp and convert back
        samples = np.clip(samples, -32768, 32767).astype(np.int16)
        
        # Create new frame with processed data
        return AudioFrame(
            samples.tobytes(),
            frame.sample_rate,
            frame.num_channels,
            frame.samples_per_channel
        )
    
    def _close(self):
        """Cleanup resources."""
        pass
'''  # noqa: W293


class Plain:
    """No subclass, only what is needed."""

    def __init__(self, process: Callable[[AudioFrame], Any], enabled: bool = True) -> None:
        self.enabled, self._process = enabled, process


class Recording(FrameProcessor[AudioFrame]):
    """Doubles in place, and notes what else is said to it."""

    def __init__(self) -> None:
        self._enabled = True
        self.calls: list[Any] = []

    @property
    def enabled(self) -> bool:
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._enabled = value

    def _process(self, frame: AudioFrame) -> AudioFrame:
        samples = np.asarray(frame)
        samples *= 2
        return frame

    def _close(self) -> None:
        self.calls.append("close")

    def _on_stream_info_updated(self, **info: str) -> None:
        self.calls.append(("info", info))

    def _on_stream_info_cleared(self) -> None:
        self.calls.append("no info")

    def _on_credentials_updated(self, *, token: str, url: str) -> None:
        self.calls.append(("credentials", token, url))

    def _on_credentials_cleared(self) -> None:
        self.calls.append("no credentials")


def through(processor: Any, frames: list[AudioFrame], **arguments: Any) -> tuple[list[int], AudioStream]:
    """The first sample of each frame that comes out."""

    async def main() -> tuple[list[int], AudioStream]:
        source = AudioSource(RATE, 1)
        track = LocalAudioTrack.create_audio_track("t", source)
        stream = AudioStream(track, noise_cancellation=processor, **arguments)
        bare = AudioStream(track)
        for frame in frames:
            await source.capture_frame(frame)
        await source.wait_for_playout()
        await source.aclose()
        assert [f.data[0] for f in await read(bare)] == [f.data[0] for f in frames]
        got = await read(stream)
        assert all(len(set(f.data.tolist())) == 1 for f in got)
        assert all((f.sample_rate, f.num_channels, f.samples_per_channel) == (RATE, 1, 480) for f in got)
        return [f.data[0] for f in got], stream

    return run(main())


THREE = [constant(value) for value in (100, -200, 30_000)]


def test_the_documented_example() -> None:
    namespace: dict[str, Any] = {}
    exec(DOCUMENTED, namespace)
    processor = namespace["GainProcessor"](gain=1.5)
    assert through(processor, THREE)[0] == [150, -300, 32767]
    processor.set_gain(1.0)
    assert through(processor, THREE)[0] == [100, -200, 30_000]
    processor.set_gain(0.5)
    processor.enabled = False
    assert through(processor, THREE)[0] == [100, -200, 30_000]


def test_frames_of_a_reader_can_be_written_to_whatever_the_processor_returns() -> None:
    """The documented example returns frames over `bytes`; the stream says that its frames may be changed."""

    async def main() -> None:
        namespace: dict[str, Any] = {}
        exec(DOCUMENTED, namespace)
        source = AudioSource(RATE, 1)
        track = LocalAudioTrack.create_audio_track("t", source)
        stream = AudioStream(track, noise_cancellation=namespace["GainProcessor"](gain=1.5))
        await source.capture_frame(constant(100))
        event = await anext(stream)
        np.asarray(event.frame)[:] = 1
        await source.aclose()

    run(main())


def test_a_processor_that_returns_one_buffer_again_and_again() -> None:
    """As C libraries do: what is queued must not change when the next frame is made."""
    output = AudioFrame.create(RATE, 1, 480)

    def process(frame: AudioFrame) -> AudioFrame:
        np.asarray(output)[:] = np.asarray(frame) + 1
        return output

    assert through(Plain(process), [constant(1), constant(2), constant(3)])[0] == [2, 3, 4]


def test_in_place_and_switched_on_the_way() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        processor = Recording()
        stream = AudioStream(LocalAudioTrack.create_audio_track("t", source), noise_cancellation=processor)
        for enabled in (True, False, True):
            processor.enabled = enabled
            await source.capture_frame(constant(7))
            await source.wait_for_playout()
        await source.aclose()
        assert [f.data[0] for f in await read(stream)] == [14, 7, 14]

    run(main())


def test_each_frame_is_what_the_reader_would_have_got() -> None:
    seen: list[tuple[int, int, int]] = []

    def process(frame: AudioFrame) -> AudioFrame:
        seen.append((frame.sample_rate, frame.num_channels, frame.samples_per_channel))
        return frame

    async def main() -> None:
        source = AudioSource(RATE, 1)
        track = LocalAudioTrack.create_audio_track("t", source)
        stream = AudioStream(
            track, sample_rate=16000, num_channels=2, frame_size_ms=20, noise_cancellation=Plain(process)
        )
        await source.capture_frame(constant(1, 50))
        await source.wait_for_playout()
        await source.aclose()
        assert len(await read(stream)) == 3

    run(main())
    assert seen == [(16000, 2, 320)] * 3  # the last one filled up with silence


def raising(frame: AudioFrame) -> AudioFrame:
    np.asarray(frame)[:100] = -1
    raise RuntimeError("on purpose")


@pytest.mark.parametrize(
    "process",
    [
        raising,
        lambda frame: None,
        lambda frame: "frame",
        lambda frame: bytes(frame.data),
        lambda frame: AudioFrame.create(16000, 1, 480),
        lambda frame: AudioFrame.create(RATE, 2, 480),
        lambda frame: (np.asarray(frame).fill(9), None)[1],
        lambda: None,
    ],
    ids=["raises", "None", "str", "bytes", "rate", "channels", "in place and None", "no argument"],
)
def test_a_processor_that_fails(process: Any, caplog: pytest.LogCaptureFixture) -> None:
    values, stream = through(Plain(process), THREE * 100)
    assert values == [100, -200, 30_000] * 100
    assert stream.stats().num_processor_failures == 300
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert caplog.records[0].exc_info
    assert "Plain" in caplog.records[0].getMessage()


def test_enabled_may_fail_as_well(caplog: pytest.LogCaptureFixture) -> None:
    class Half:
        healthy = True

        @property
        def enabled(self) -> bool:
            if not self.healthy:
                raise OSError("no device")
            return True

        def _process(self, frame: AudioFrame) -> AudioFrame:
            self.healthy = False
            return constant(1)

    values, stream = through(Half(), THREE)
    assert values == [1, -200, 30_000]
    assert stream.stats().num_processor_failures == 2


@pytest.mark.parametrize(
    "wrong",
    [
        3,
        "krisp",
        object(),
        lambda frame: frame,
        True,
        type("NoProcess", (), {"enabled": True})(),
        type("NoEnabled", (), {"_process": lambda self, frame: frame})(),
        type("NotCallable", (), {"enabled": True, "_process": 3})(),
        Recording,
    ],
    ids=lambda wrong: type(wrong).__name__,
)
def test_unsuitable_objects(wrong: Any) -> None:
    source = AudioSource(RATE, 1)
    track = LocalAudioTrack.create_audio_track("t", source)
    for make in (AudioStream, AudioStream.from_track):
        with pytest.raises(TypeError, match="noise_cancellation"):
            make(track=track, noise_cancellation=wrong)
    assert len(track._conversions) == 0


def test_the_base_class_is_abstract() -> None:
    for missing in ("enabled", "_process", "_close"):
        members = {name: getattr(Recording, name) for name in ("enabled", "_process", "_close") if name != missing}
        incomplete = type("Incomplete", (FrameProcessor,), members)
        with pytest.raises(TypeError, match=missing):
            incomplete()


def test_a_processor_of_the_sdk() -> None:
    rtc = pytest.importorskip("livekit.rtc")
    kept = []

    class Halving(rtc.FrameProcessor[rtc.AudioFrame]):  # type: ignore[misc]
        enabled = True
        closed = 0

        def _process(self, frame: Any) -> Any:
            samples = np.frombuffer(frame.data, np.int16) // 2
            kept.append(rtc.AudioFrame(samples.tobytes(), frame.sample_rate, frame.num_channels, 480))
            return kept[-1]

        def _close(self) -> None:
            self.closed += 1

    processor = Halving()
    values, stream = through(processor, THREE)
    assert values == [50, -100, 15_000]
    assert stream.stats().num_processor_failures == 0
    stream.update_stream_info(AudioStreamInfo())
    stream.update_stream_info(None)
    stream.update_credentials(token="t", url="u")
    stream.clear_credentials()
    asyncio.run(stream.aclose())
    assert processor.closed == 1


@pytest.mark.parametrize(
    ("make", "arguments", "closes"),
    [
        (AudioStream, {}, True),
        (AudioStream, {"auto_close_noise_cancellation": True}, True),
        (AudioStream, {"auto_close_noise_cancellation": False}, False),
        (AudioStream.from_track, {}, False),
        (AudioStream.from_track, {"auto_close_noise_cancellation": True}, True),
        (AudioStream.from_track, {"auto_close_noise_cancellation": False}, False),
    ],
)
def test_who_closes(make: Any, arguments: dict[str, bool], closes: bool) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        processor = Recording()
        stream = make(track=LocalAudioTrack.create_audio_track("t", source), noise_cancellation=processor, **arguments)
        await source.capture_frame(constant(1))
        await source.aclose()  # the track's end closes no processor: what is queued is still to be read
        assert len(await read(stream)) == 1
        assert processor.calls == []
        await asyncio.gather(stream.aclose(), stream.aclose())
        await stream.aclose()
        assert processor.calls == ["close"] * closes

    run(main())


def test_a_processor_that_does_not_close(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        class Stuck(Recording):
            def _close(self) -> None:
                raise OSError("on purpose")

        source = AudioSource(RATE, 1)
        stream = AudioStream(LocalAudioTrack.create_audio_track("t", source), noise_cancellation=Stuck())
        await stream.aclose()
        assert await read(stream) == []

    run(main())
    assert "Stuck._close: on purpose" in caplog.text


def test_what_a_processor_is_told() -> None:
    source = AudioSource(RATE, 1)
    processor = Recording()
    stream = AudioStream(LocalAudioTrack.create_audio_track("t", source), noise_cancellation=processor)
    stream.update_stream_info(AudioStreamInfo(room_name="r", participant_identity="i", track_id="TR_1", room_id="x"))
    stream.update_stream_info(None)
    stream.update_credentials(token="t", url="wss://u")
    stream.clear_credentials()
    assert processor.calls == [
        ("info", {"room_name": "r", "participant_identity": "i", "publication_sid": "TR_1"}),
        "no info",
        ("credentials", "t", "wss://u"),
        "no credentials",
    ]


def tell_everything(stream: AudioStream) -> None:
    stream.update_stream_info(AudioStreamInfo(room_name="r"))
    stream.update_stream_info(None)
    stream.update_credentials(token="t", url="u")
    stream.clear_credentials()


def test_hooks_may_be_missing_or_fail(caplog: pytest.LogCaptureFixture) -> None:
    class Grumpy(Recording):
        def _on_stream_info_cleared(self) -> None:
            raise ValueError("on purpose")

    track = LocalAudioTrack.create_audio_track("t", AudioSource(RATE, 1))
    for processor in (None, Plain(lambda frame: frame), Grumpy()):
        stream = AudioStream(track, noise_cancellation=processor)
        tell_everything(stream)
        asyncio.run(stream.aclose())
    assert len(caplog.records) == 1
    assert len(processor.calls) == 4  # type: ignore[union-attr]


def test_one_processor_over_two_streams() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        track = LocalAudioTrack.create_audio_track("t", source)
        processor = Recording()
        one, other = (AudioStream.from_track(track=track, noise_cancellation=processor) for _ in range(2))
        await source.capture_frame(constant(7, 20))
        await source.wait_for_playout()
        await one.aclose()
        await source.capture_frame(constant(8, 20))
        await source.wait_for_playout()
        await source.aclose()
        assert [f.data[0] for f in await read(other)] == [14, 14, 16, 16]
        await other.aclose()
        assert processor.calls == []

    run(main())
