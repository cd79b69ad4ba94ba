"""AudioStream through a filter plugin."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from livekit_utils import (
    AudioFilter,
    AudioFilterError,
    AudioFilterState,
    AudioFrame,
    AudioResampler,
    AudioSource,
    AudioStream,
    AudioStreamInfo,
    LocalAudioTrack,
    NoiseCancellationOptions,
    combine_audio_frames,
)
from tests.support.audio_filters import Plugin, filtered
from tests.support.randomness import Rand

RATE = 48000


@pytest.fixture
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Plugin]:
    plugin = Plugin(tmp_path, *getattr(request, "param", ()))
    with AudioFilter(plugin.id, plugin.path):
        yield plugin


def options(plugin: Plugin, **values: Any) -> NoiseCancellationOptions:
    return NoiseCancellationOptions(plugin.id, values)


def track() -> tuple[AudioSource, LocalAudioTrack]:
    source = AudioSource(RATE, 1)
    return source, LocalAudioTrack.create_audio_track("voice", source)


async def samples_of(stream: AudioStream) -> bytes:
    frames = [event.frame async for event in stream]
    return bytes(combine_audio_frames(frames).data) if frames else b""


async def speak(source: AudioSource, data: bytes) -> None:
    await source.capture_frame(AudioFrame(data, RATE, 1, len(data) // 2))
    await source.wait_for_playout()
    await source.aclose()


@pytest.mark.parametrize("opened", [(), ("WITH_V2",)], indirect=True)
def test_each_stream_has_a_session_of_its_own(opened: Plugin, rand: Rand) -> None:
    data = rand.quiet_pcm(5003)

    async def main() -> None:
        source, voice = track()
        plain = AudioStream(voice)
        first = AudioStream(voice, frame_size_ms=7, noise_cancellation=options(opened, strength=3))
        second = AudioStream(voice, sample_rate=16000, noise_cancellation=options(opened))
        for stream in (first, second):
            assert stream.filter is not None
            await stream.filter.wait_ready()
            assert stream.filter.state is AudioFilterState.ACTIVE
        await speak(source, data)
        assert await samples_of(plain) == data
        assert (await samples_of(first)).rstrip(b"\0") == filtered(data).rstrip(b"\0")  # in frames of 7 ms
        resampler = AudioResampler(RATE, 16000, engine="polyphase")
        slow = bytes(combine_audio_frames(resampler.push(data) + resampler.flush()).data)
        assert await samples_of(second) == filtered(slow)
        for stream in (plain, first, second):
            await stream.aclose()

    asyncio.run(main())
    assert opened.count("destroy") == 2
    created = [line for line in opened.calls if line.startswith("create")]
    assert any('{"strength":3}' in line.replace(" ", "") for line in created)


@pytest.mark.parametrize("opened", [("HANGS_CREATE",)], indirect=True)
def test_audio_is_held_until_the_filter_is_ready(opened: Plugin, rand: Rand) -> None:
    data = rand.quiet_pcm(2003)

    async def main() -> None:
        source, voice = track()
        stream = AudioStream(voice, noise_cancellation=options(opened))
        # All is said, and the track over, before the filter is there.
        await speak(source, data)
        assert stream.filter is not None
        assert stream.filter.state is AudioFilterState.STARTING
        assert stream.stats().num_frames == 0
        opened.go_on()
        assert await samples_of(stream) == filtered(data)
        await stream.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("opened", [("HANGS_CREATE",)], indirect=True)
def test_nobody_waits_while_a_late_filter_catches_up(opened: Plugin, rand: Rand) -> None:
    """What was held is filtered in the filter's thread; what comes meanwhile is filtered behind it."""
    data = rand.quiet_pcm(9600)
    filtering, go_on = threading.Event(), threading.Event()

    async def main() -> None:
        source = AudioSource(RATE, 1, 0)
        stream = AudioStream(
            LocalAudioTrack.create_audio_track("voice", source), noise_cancellation=options(opened), frame_size_ms=10
        )
        session = stream.filter
        assert session is not None
        push = session.push

        def slow(frame: AudioFrame) -> list[AudioFrame]:
            filtering.set()
            assert go_on.wait(20), "the event loop waits for the filter"
            return push(frame)

        session.push = slow  # type: ignore[method-assign]
        for i in range(20):
            part = AudioFrame(bytearray(data[960 * i : 960 * (i + 1)]), RATE, 1, 480)
            await source.capture_frame(part)
            np.asarray(part)[:] = 0  # the caller's again
            if i == 9:
                opened.go_on()
                assert await asyncio.to_thread(filtering.wait, 20)
        assert stream.stats().num_frames == 0
        go_on.set()
        first = [(await anext(stream)).frame for _ in range(10)]
        await source.aclose()
        assert b"".join(bytes(frame.data) for frame in first) + await samples_of(stream) == filtered(data)
        await stream.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("opened", [("HANGS_CREATE",)], indirect=True)
def test_a_stream_closed_before_its_filter_is_ready(opened: Plugin) -> None:
    async def main() -> None:
        source, voice = track()
        stream = AudioStream(voice, noise_cancellation=options(opened))
        await source.capture_frame(AudioFrame.create(RATE, 1, 480))
        reader = asyncio.create_task(samples_of(stream))
        await asyncio.to_thread(opened.wait_for, "creating")
        closing = asyncio.create_task(stream.aclose())
        assert await reader == b""
        opened.go_on()
        await closing
        await source.aclose()

    asyncio.run(main())
    opened.wait_for("destroy")


@pytest.mark.parametrize("opened", [("CREATES_NULL",)], indirect=True)
def test_a_filter_that_refuses_lets_audio_pass(opened: Plugin, rand: Rand, caplog: pytest.LogCaptureFixture) -> None:
    data = rand.pcm(4803)

    async def main() -> None:
        source, voice = track()
        stream = AudioStream(voice, noise_cancellation=options(opened))
        await speak(source, data)
        assert await samples_of(stream) == data
        assert stream.filter is not None
        assert stream.filter.state is AudioFilterState.BYPASSED
        with pytest.raises(AudioFilterError, match="audio_filter_create returned NULL"):
            await stream.filter.wait_ready()
        await stream.aclose()

    asyncio.run(main())
    assert len(caplog.records) == 1


def test_what_cannot_be_filtered_with(opened: Plugin) -> None:
    _, voice = track()
    with pytest.raises(ValueError, match=f"loaded AudioFilter \\('{opened.id}'\\), got 'another'"):
        AudioStream(voice, noise_cancellation=NoiseCancellationOptions("another", {}))
    # Those of LiveKit's plugins name a library that is loaded into the SDK, and not here.
    with pytest.raises(ValueError, match=r"AudioFilter\.load\(o\.module_id, plugin_path\(\)\)"):
        AudioStream(voice, noise_cancellation=SimpleNamespace(module_id="140", options={}))
    with pytest.raises(ValueError, match="JSON"):
        AudioStream(voice, noise_cancellation=options(opened, strength=float("nan")))
    with pytest.raises(TypeError, match="JSON"):
        AudioStream(voice, noise_cancellation=options(opened, strength={1}))
    with pytest.raises(TypeError, match="dict"):
        AudioStream(voice, noise_cancellation=NoiseCancellationOptions(opened.id, "loud"))  # type: ignore[arg-type]
    assert opened.count("create") == 0
    assert len(voice._conversions) == 0


@pytest.mark.parametrize("opened", [("WITH_UPDATE_TOKEN",)], indirect=True)
def test_what_the_plugin_is_told(opened: Plugin) -> None:
    async def main() -> None:
        source, voice = track()
        async with AudioStream(voice, noise_cancellation=options(opened)) as stream:
            assert stream.filter is not None
            await stream.filter.wait_ready()
            stream.update_stream_info(AudioStreamInfo(room_name="hall", participant_identity="ada", track_id="TR_1"))
            stream.update_stream_info(None)
            stream.update_credentials(token="secret", url="wss://example.com")
            await asyncio.to_thread(opened.wait_for, "update_token")
            stream.clear_credentials()
        await source.aclose()
        told = [json.loads(line[line.index("{") :]) for line in opened.calls if line.startswith("update_stream_info")]
        assert [info["roomName"] for info in told] == ["hall", ""]
        assert told[0]["participantIdentity"] == "ada"
        assert told[1]["trackId"] == voice.sid
        assert any("wss://example.com" in line and "secret" in line for line in opened.calls)

    asyncio.run(main())


def test_a_stream_that_is_forgotten_ends_its_session(opened: Plugin) -> None:
    async def main() -> None:
        source, voice = track()
        stream = AudioStream(voice, noise_cancellation=options(opened))
        assert stream.filter is not None
        await stream.filter.wait_ready()
        del stream
        gc.collect()
        await asyncio.to_thread(opened.wait_for, "destroy")
        assert len(voice._conversions) == 0
        await source.aclose()

    asyncio.run(main())


def test_the_filter_may_be_closed_first(opened: Plugin, rand: Rand) -> None:
    data = rand.quiet_pcm(960)

    async def main() -> None:
        source, voice = track()
        stream = AudioStream(voice, noise_cancellation=options(opened))
        assert stream.filter is not None
        await stream.filter.wait_ready()
        AudioFilter.get(opened.id).close()
        await speak(source, data)
        assert await samples_of(stream) == filtered(data)
        assert np.frombuffer(filtered(data), np.int16).any()
        await stream.aclose()

    asyncio.run(main())
    opened.wait_for("unload")


@pytest.mark.parametrize("opened", [("HANGS_CREATE",)], indirect=True)
def test_the_loop_ends_before_the_filter_is_ready(opened: Plugin, rand: Rand) -> None:
    """What it kept comes out all the same, whoever reads it wherever, and then the end."""
    data = rand.quiet_pcm(2003)
    source, voice = track()
    stream = AudioStream(voice, noise_cancellation=options(opened))
    asyncio.run(speak(source, data))
    opened.go_on()
    assert asyncio.run(samples_of(stream)) == filtered(data)
    asyncio.run(stream.aclose())


def test_what_is_told_after_the_end(opened: Plugin) -> None:
    async def main() -> None:
        source, voice = track()
        stream = AudioStream(voice, noise_cancellation=options(opened))
        AudioFilter.get(opened.id).close()
        stream.update_credentials(token="a", url="b")  # sessions go on when their filter is closed
        await stream.aclose()
        stream.update_credentials(token="a", url="b")
        stream.update_stream_info(None)
        stream.clear_credentials()
        await source.aclose()

    asyncio.run(main())
