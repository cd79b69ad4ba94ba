"""For `isinstance`, our frames and processors are the SDK's, and for everything else they are what they were."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import functools
import gc
import pickle
import subprocess
import sys
import weakref
from abc import ABC
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

from livekit_utils import (
    AudioFrame,
    AudioSource,
    FrameProcessor,
    LocalAudioTrack,
    LocalVideoTrack,
    NoiseCancellationOptions,
    Track,
    VideoBufferType,
    VideoFrame,
    VideoSource,
)


class Tagged(AudioFrame):
    announced: ClassVar[list[type]] = []
    made = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tag = "new"
        self.__class__.made += 1

    def __init_subclass__(cls, **kwargs: Any) -> None:
        Tagged.announced.append(cls)
        super().__init_subclass__(**kwargs)


class Registry(type):
    known: ClassVar[list[type]] = []

    def __init__(cls, *args: Any) -> None:
        super().__init__(*args)
        Registry.known.append(cls)


class Registered(VideoFrame, metaclass=Registry):
    pass


class Abstract(AudioFrame, ABC):
    pass


def audio(kind: type = AudioFrame) -> Any:
    return kind(bytearray(8), 48000, 1, 4)


def video(kind: type = VideoFrame) -> Any:
    return kind(4, 2, VideoBufferType.RGBA, bytearray(32))


MAKE: dict[str, Callable[[], Any]] = {
    "audio": audio,
    "audio subclass": lambda: audio(Tagged),
    "audio and ABC": lambda: audio(Abstract),
    "video": video,
    "video subclass": lambda: video(Registered),
}


@pytest.mark.parametrize("name", MAKE)
def test_a_frame_is_an_instance_of_both(rtc: Any, name: str) -> None:
    frame = MAKE[name]()
    theirs, ours = (rtc.AudioFrame, AudioFrame) if name.startswith("audio") else (rtc.VideoFrame, VideoFrame)
    assert isinstance(frame, theirs)
    assert isinstance(frame, ours)
    assert isinstance(frame, type(frame))
    assert isinstance(frame, frame.__class__)
    assert not isinstance(frame, (rtc.VideoFrame, VideoFrame) if ours is AudioFrame else (rtc.AudioFrame, AudioFrame))
    match frame:
        case rtc.AudioFrame(sample_rate=48000) | rtc.VideoFrame(width=4):
            pass
        case _:
            pytest.fail("no match")


@pytest.mark.parametrize("name", MAKE)
def test_it_is_copied_and_pickled_as_what_it_is(rtc: Any, name: str) -> None:
    frame = MAKE[name]()
    for twin in [
        copy.copy(frame),
        copy.deepcopy(frame),
        *(pickle.loads(pickle.dumps(frame, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)),
        *(pickle.loads(pickle._dumps(frame, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)),
    ]:
        assert type(twin) is type(frame)
        assert bytes(twin.data) == bytes(frame.data)
        assert getattr(twin, "__dict__", None) == getattr(frame, "__dict__", None)


def test_its_class_is_the_real_one_in_all_but_name(rtc: Any) -> None:
    frame, tagged = audio(), audio(Tagged)
    assert repr(frame.__class__) == "<class 'livekit_utils.AudioFrame'>"
    assert frame.__class__ is audio().__class__
    assert type(frame.__class__(bytes(2), 8000, 1, 1)) is AudioFrame
    assert type(frame.__class__.create(8000, 1, 1)) is AudioFrame
    made = Tagged.made
    assert type(tagged.__class__(bytes(2), 8000, 1, 1)) is Tagged
    assert Tagged.made == made + 1  # Tagged.__init__ counts on `self.__class__`
    tagged.__class__.extra = 5
    assert Tagged.extra == 5  # type: ignore[attr-defined]
    del tagged.__class__.extra
    assert not hasattr(Tagged, "extra")
    with pytest.raises((TypeError, AttributeError)):
        frame.__class__ = int


def test_nobody_is_told_of_a_new_class(rtc: Any) -> None:
    isinstance(audio(Tagged), rtc.AudioFrame), isinstance(video(Registered), rtc.VideoFrame)
    assert Tagged.announced == []
    assert Registry.known == [Registered]


def test_single_dispatch(rtc: Any) -> None:
    def dispatcher(*kinds: type) -> Any:
        function = functools.singledispatch(lambda value: "object")
        for kind in kinds:
            function.register(kind, lambda value, kind=kind: kind)
        return function

    assert dispatcher(AudioFrame)(audio()) is AudioFrame
    assert dispatcher(rtc.AudioFrame)(audio()) is rtc.AudioFrame
    assert dispatcher(rtc.AudioFrame, AudioFrame)(audio()) is AudioFrame
    assert dispatcher(AudioFrame, Tagged)(audio(Tagged)) is Tagged
    assert dispatcher(AudioFrame)(rtc.AudioFrame.create(48000, 1, 1)) == "object"
    assert dispatcher(VideoFrame)(video()) is VideoFrame


ORDERS = {
    "SDK first": "from livekit import rtc; import livekit_utils as ours",
    "SDK last": "import livekit_utils as ours; ours.AudioFrame.create(1, 1, 1).__class__; from livekit import rtc",
    "seen before": (
        "import livekit_utils as ours; f = ours.AudioFrame.create(1, 1, 1); assert not isinstance(f, int); "
        "from livekit import rtc; assert isinstance(f, rtc.AudioFrame)"
    ),
}
CHECK = """
import numpy
frame = ours.AudioFrame.create(48000, 1, 480)
picture = ours.VideoFrame(2, 2, ours.VideoBufferType.RGBA, bytes(16))
class Mine(ours.FrameProcessor):
    enabled = True
    def _process(self, frame): return frame
    def _close(self): pass
assert isinstance(frame, rtc.AudioFrame) and isinstance(picture, rtc.VideoFrame)
if hasattr(rtc, "FrameProcessor"):
    class Theirs(rtc.FrameProcessor):
        enabled = True
        def _process(self, frame): return frame
        def _close(self): pass
    assert isinstance(Mine(), rtc.FrameProcessor) and isinstance(Theirs(), ours.FrameProcessor)
    assert not isinstance(5, rtc.FrameProcessor) and not isinstance(5, ours.FrameProcessor)
    assert isinstance(Mine(), ours.FrameProcessor) and isinstance(Theirs(), rtc.FrameProcessor)
    assert not issubclass(rtc.FrameProcessor, ours.FrameProcessor) and not issubclass(int, rtc.FrameProcessor)
"""


@pytest.mark.parametrize("order", ORDERS)
def test_in_any_order_of_import(rtc: Any, run_python: Callable[..., Any], order: str) -> None:
    process = run_python("-c", ORDERS[order] + CHECK)
    assert (process.returncode, process.stderr) == (0, "")


def test_without_the_sdk_a_class_is_itself(run_python: Callable[..., Any]) -> None:
    text = (
        "import sys, livekit_utils as ours\n"
        "frame = ours.AudioFrame.create(48000, 1, 480)\n"
        "assert frame.__class__ is ours.AudioFrame and 'livekit' not in sys.modules\n"
        "import types\n"
        "sys.modules['livekit.rtc.audio_frame'] = types.ModuleType('half of it')\n"
        "assert frame.__class__ is ours.AudioFrame\n"
        "sys.modules['livekit.rtc.audio_frame'].AudioFrame = 'no class'\n"
        "assert frame.__class__ is ours.AudioFrame\n"
    )
    process = run_python("-c", text)
    assert (process.returncode, process.stderr) == (0, "")


def test_what_is_shown_keeps_no_frame_alive(rtc: Any) -> None:
    frame = audio()
    gone = weakref.ref(frame)
    assert isinstance(frame, rtc.AudioFrame)
    del frame
    gc.collect()
    assert gone() is None


class Halve(FrameProcessor[AudioFrame]):
    enabled = True

    def __init__(self) -> None:
        self.calls = 0

    def _process(self, frame: AudioFrame) -> AudioFrame:
        self.calls += 1
        np.frombuffer(frame.data, np.int16)[:] //= 2
        return frame

    def _close(self) -> None:
        self.enabled = False


async def heard(rtc: Any, processor: Any) -> int:
    """The peak that the SDK's stream gives of a track at 8000."""
    source = rtc.AudioSource(48000, 1)
    track = rtc.LocalAudioTrack.create_audio_track("voice", source)
    stream = rtc.AudioStream.from_track(track=track, noise_cancellation=processor)
    frame = AudioFrame(np.full(480, 8000, np.int16), 48000, 1, 480)
    peaks = []
    for _ in range(20):
        await source.capture_frame(frame)
    async for event in stream:
        peaks.append(int(np.abs(np.frombuffer(event.frame.data, np.int16)).max(initial=0)))
        if peaks[-1] and len(peaks) > 5:
            break
    await stream.aclose()
    await source.aclose()
    return max(peaks)


def test_the_sdks_stream_uses_our_processor(rtc: Any) -> None:
    if not hasattr(rtc, "FrameProcessor"):
        pytest.skip("this version has no FrameProcessor")
    processor = Halve()
    assert asyncio.run(heard(rtc, processor)) == 4000
    assert processor.calls > 5


def test_options_count_as_the_sdks(rtc: Any) -> None:
    options = NoiseCancellationOptions("gain", {"gain": 0.5})
    assert isinstance(options, rtc.NoiseCancellationOptions)
    assert options == NoiseCancellationOptions("gain", {"gain": 0.5})
    assert type(dataclasses.replace(options, module_id="other")) is NoiseCancellationOptions
    assert type(copy.copy(options)) is NoiseCancellationOptions
    assert pickle.loads(pickle.dumps(options)) == options


def test_two_threads_see_one_class(rtc: Any) -> None:
    text = (
        "import threading\nfrom livekit import rtc\nfrom livekit_utils import AudioFrame\n"
        "class Mine(AudioFrame): pass\n"
        "seen, start = [], threading.Barrier(8)\n"
        "def look():\n    start.wait(); seen.append(Mine(bytes(2), 1, 1, 1).__class__)\n"
        "threads = [threading.Thread(target=look) for _ in range(8)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "assert len(set(seen)) == 1 and len(seen) == 8\n"
    )
    subprocess.run([sys.executable, "-c", text], check=True, timeout=60)


class Voice(LocalAudioTrack):
    pass


Named: Any = type("Track", (Track,), {})


def test_tracks(rtc: Any) -> None:
    async def main() -> None:
        source, pictures = AudioSource(48000, 1), VideoSource(4, 2)
        sound = LocalAudioTrack.create_audio_track("x", source)
        picture = LocalVideoTrack.create_video_track("x", pictures)
        theirs = rtc.LocalAudioTrack.create_audio_track("x", rtc.AudioSource(48000, 1))
        for track in (sound, picture, theirs):
            assert isinstance(track, rtc.Track)
            assert isinstance(track, Track)
        assert isinstance(sound, rtc.LocalAudioTrack)
        assert isinstance(Voice("x", source), rtc.LocalAudioTrack)
        assert not isinstance(theirs, Named)
        assert isinstance(picture, rtc.LocalVideoTrack)
        assert not isinstance(sound, (rtc.LocalVideoTrack, rtc.RemoteAudioTrack))
        assert not isinstance(theirs, LocalAudioTrack)
        assert not isinstance(5, Track)
        await source.aclose()

    asyncio.run(main())
