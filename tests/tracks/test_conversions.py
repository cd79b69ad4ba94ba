"""Conversions: one for all streams of a format, and each stream gets what one of its own would give."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from livekit_utils import AudioFrame, AudioResampler, AudioSource, AudioStream, LocalAudioTrack
from livekit_utils.conversion.frame_converter import FrameConverter
from tests.support.randomness import Rand
from tests.support.virtual_time import run

RATE = 48000

# 44101 Hz is no ratio for the filter bank.
FORMATS = [(48000, 1), (16000, 1), (24000, 2), (44100, 1), (44101, 1)]


def track_of(rate: int = RATE) -> tuple[AudioSource, LocalAudioTrack]:
    source = AudioSource(rate, 1)
    return source, LocalAudioTrack.create_audio_track("voice", source)


def noise(rand: Rand, samples: int = 480) -> AudioFrame:
    return AudioFrame(rand.pcm(samples), RATE, 1, samples)


class Model:
    """A stream, and a converter of its own beside it."""

    def __init__(self, track: LocalAudioTrack, rate: int, num_channels: int) -> None:
        self.stream = AudioStream(track, sample_rate=rate, num_channels=num_channels)
        self.converter = FrameConverter(rate, num_channels)
        self.wanted = bytearray()
        self.got = bytearray()

    def receive(self, frame: AudioFrame) -> None:
        for converted in self.converter.push(frame):
            self.wanted += converted.data

    def idle(self) -> None:
        for converted in self.converter.flush():
            self.wanted += converted.data

    def check(self, *, whole: bool) -> None:
        while (event := self.stream._queue.take()) is not None:
            self.got += event.frame.data
            event.frame.data[:] = event.frame.data[::-1]  # it belongs to the reader
        assert self.got == (self.wanted if whole else self.wanted[: len(self.got)])


def test_streams_that_come_and_go_get_what_a_converter_of_their_own_gives(rand: Rand) -> None:
    source, track = track_of()
    models: list[Model] = []
    for _ in range(600):
        what = rand.random()
        if what < 0.1:
            models.append(Model(track, *rand.choice(FORMATS)))
        elif what < 0.14 and models:
            left = models.pop(rand.randrange(len(models)))
            left.check(whole=False)
            run(left.stream.aclose())
        elif what < 0.16:
            (track.unmute if track.muted else track.mute)()
        elif what < 0.18:
            source._fan_out.idle()
            for model in models:
                model.idle()
                model.check(whole=True)
            assert len(track._conversions._conversions) <= len(FORMATS)
        else:
            frame = noise(rand, rand.choice([480, 480, 480, rand.randint(1, 2000)]))
            source._fan_out.receive(frame)
            heard = AudioFrame.create(RATE, 1, frame.samples_per_channel) if track.muted else frame
            for model in models:
                model.receive(heard)
                model.check(whole=False)
    source._fan_out.end()
    for model in models:
        model.idle()
        model.check(whole=True)


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Fills with the frames that resamplers are given."""
    given: list[Any] = []
    push = AudioResampler.push

    def counted(self: AudioResampler, data: Any) -> list[AudioFrame]:
        given.append(data)
        return push(self, data)

    monkeypatch.setattr(AudioResampler, "push", counted)
    return given


def test_one_conversion_for_all_streams_of_a_format(conversions: list[Any], rand: Rand) -> None:
    source, track = track_of()
    streams = [AudioStream(track, sample_rate=rate) for rate in (16000, 24000) for _ in range(8)]
    source._fan_out.receive(noise(rand))
    assert len(conversions) == 2
    late = [AudioStream(track, sample_rate=16000) for _ in range(3)]  # one more, for all three
    del conversions[:]
    source._fan_out.receive(noise(rand))
    assert len(conversions) == 3
    assert len(track._conversions) == len(streams) + len(late)


def test_streams_of_an_endless_source_share_a_conversion_soon(conversions: list[Any], rand: Rand) -> None:
    source, track = track_of()
    streams = []
    for _ in range(16):
        streams.append(AudioStream(track, sample_rate=16000))
        source._fan_out.receive(noise(rand))
    for _ in range(100):
        source._fan_out.receive(noise(rand))
    del conversions[:]
    source._fan_out.receive(noise(rand))
    assert len(conversions) == 1
    assert len(track._conversions) == len(streams)


def test_a_track_has_conversions_of_its_own(rand: Rand) -> None:
    """Another one of the same source may be muted."""
    source, track = track_of()
    other = LocalAudioTrack.create_audio_track("other", source)
    models = [Model(track, 16000, 1), Model(other, 16000, 1)]
    other.mute()
    for _ in range(5):
        frame = noise(rand)
        source._fan_out.receive(frame)
        models[0].receive(frame)
        models[1].receive(AudioFrame.create(RATE, 1, 480))
    for model in models:
        model.check(whole=False)
        assert model.got


def test_nothing_is_converted_for_streams_that_are_gone(conversions: list[Any], rand: Rand) -> None:
    source, track = track_of()
    streams = [AudioStream(track, sample_rate=16000) for _ in range(2)]
    source._fan_out.receive(noise(rand))
    run(streams.pop().aclose())
    source._fan_out.receive(noise(rand))
    assert len(conversions) == 2
    run(streams.pop().aclose())
    source._fan_out.receive(noise(rand))
    assert len(conversions) == 2
    forgotten: AudioStream | None = AudioStream(track, sample_rate=16000)
    source._fan_out.receive(noise(rand))
    assert forgotten is not None
    forgotten = None
    gc.collect()
    for _ in range(100):
        source._fan_out.receive(noise(rand))
    del conversions[:]
    source._fan_out.receive(noise(rand))
    assert not conversions


def test_audio_that_cannot_be_converted_fails_all_streams_of_the_format(
    monkeypatch: pytest.MonkeyPatch, rand: Rand
) -> None:
    source, track = track_of()
    slow = [AudioStream(track, sample_rate=16000) for _ in range(2)]
    plain = AudioStream(track)

    def failing(self: AudioResampler, data: Any) -> list[AudioFrame]:
        raise MemoryError("on purpose")

    source._fan_out.receive(noise(rand))
    monkeypatch.setattr(AudioResampler, "push", failing)
    source._fan_out.receive(noise(rand))
    assert plain.stats().num_frames == 2
    assert len(track._conversions) == 1

    async def main() -> None:
        for stream in slow:
            with pytest.raises(MemoryError, match="on purpose"):
                async for _ in stream:
                    pass

    run(main())
    source._fan_out.receive(noise(rand))
    assert plain.stats().num_frames == 3


def test_a_stream_that_is_opened_while_a_frame_is_on_its_way_begins_with_the_next(rand: Rand) -> None:
    source, track = track_of()
    opened: list[Model] = []

    class Opening:
        enabled = True

        def _process(self, frame: AudioFrame) -> AudioFrame:
            if not opened:
                opened.append(Model(track, 16000, 1))
            return frame

    first = AudioStream(track, noise_cancellation=Opening())
    source._fan_out.receive(noise(rand))
    assert len(opened) == 1
    for _ in range(5):
        frame = noise(rand)
        source._fan_out.receive(frame)
        opened[0].receive(frame)
    source._fan_out.end()
    opened[0].idle()
    opened[0].check(whole=True)
    assert first.stats().num_frames == 6


class Listener:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.got = bytearray()
        self.has_ended = False

    def _receive(self, frame: AudioFrame) -> None:
        self.got += frame.data

    def _on_idle(self) -> None: ...

    def _end(self) -> None:
        self.has_ended = True

    def _fail(self, error: BaseException) -> None:
        raise error


class HookedConverter(FrameConverter):
    """Calls back before it is compared with another one, and when it has converted and nobody has the output yet."""

    before_comparison: Callable[[], object] = staticmethod(lambda: None)
    after_conversion: Callable[[], object] = staticmethod(lambda: None)

    def goes_on_like(self, other: FrameConverter) -> bool:
        alike = super().goes_on_like(other)
        self.before_comparison()
        return alike

    def push(self, frame: AudioFrame) -> list[AudioFrame]:
        frames = super().push(frame)
        self.after_conversion()
        return frames

    def flush(self) -> list[AudioFrame]:
        frames = super().flush()
        self.after_conversion()
        return frames


def in_a_thread(call: Callable[[], object]) -> None:
    with ThreadPoolExecutor(1) as executor:
        executor.submit(call).result(10)


def converter_to(rate: int) -> FrameConverter:
    converter = FrameConverter(rate, 1)
    converter.change_format(RATE, 1)
    return converter


def outcome(converter: FrameConverter, frames: list[AudioFrame]) -> bytes:
    """Returns all that a converter gives."""
    converted = [output for frame in frames for output in converter.push(frame)] + converter.flush()
    return b"".join(bytes(output.data) for output in converted)


@pytest.mark.parametrize("rate", [16000, 44101])
def test_a_stream_that_another_thread_opens_gets_no_tail_of_what_was_before_it(rate: int, rand: Rand) -> None:
    """A converter that has just been flushed is like a new one, but its last output is not handed out yet."""
    source, track = track_of()
    first, late = Listener(), Listener()
    hooked = HookedConverter(rate, 1)
    hooked.change_format(RATE, 1)
    track._conversions.attach(first, hooked)
    before, after = [noise(rand) for _ in range(3)], [noise(rand) for _ in range(3)]
    for frame in before:
        source._fan_out.receive(frame)
    hooked.after_conversion = lambda: in_a_thread(lambda: track._conversions.attach(late, converter_to(rate)))
    source._fan_out.idle()
    hooked.after_conversion = lambda: None
    assert first.got == outcome(converter_to(rate), before)
    assert not late.got
    for frame in after:
        source._fan_out.receive(frame)
    source._fan_out.end()
    assert late.got == outcome(converter_to(rate), after)
    assert first.got == outcome(converter_to(rate), before) + late.got


@pytest.mark.parametrize("rate", [16000, 44101])
def test_a_stream_that_another_thread_opens_as_a_converter_begins_has_its_first_frame_or_one_of_its_own(
    rate: int, rand: Rand
) -> None:
    source, track = track_of()
    first, late = Listener(), Listener()
    hooked = HookedConverter(rate, 1)
    hooked.change_format(RATE, 1)
    track._conversions.attach(first, hooked)
    frames = [noise(rand) for _ in range(4)]
    home = threading.current_thread()

    def push_at_home() -> None:
        if threading.current_thread() is not home:
            compared.set()
            assert pushed.wait(10)

    compared, pushed = threading.Event(), threading.Event()
    hooked.before_comparison = push_at_home
    with ThreadPoolExecutor(1) as executor:
        opening = executor.submit(track._conversions.attach, late, converter_to(rate))
        while not compared.wait(0.001) and not opening.done():
            pass
        source._fan_out.receive(frames[0])
        pushed.set()
        opening.result(10)
    for frame in frames[1:]:
        source._fan_out.receive(frame)
    source._fan_out.end()
    assert first.got == outcome(converter_to(rate), frames)
    assert late.got in (outcome(converter_to(rate), frames), outcome(converter_to(rate), frames[1:]))


def test_streams_that_come_and_go_before_a_source_begins_leave_nothing() -> None:
    source, track = track_of()
    stays, late = Listener(), Listener()
    track._conversions.attach(stays, converter_to(16000))
    for _ in range(5):
        AudioStream(track, sample_rate=16000)
        gc.collect()
    run(AudioStream(track).aclose())
    assert len(track._conversions) == 1
    source._fan_out.end()
    assert stays.has_ended
    track._conversions.attach(late, converter_to(16000))
    assert late.has_ended
