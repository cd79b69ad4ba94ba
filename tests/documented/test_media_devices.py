"""The examples of `MediaDevices`, `InputCapture` and `OutputPlayer`, on a sound card in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioSource, AudioStream
from tests.support.sound_card import SoundCard, plug_in
from tests.support.stand_in_room import Room
from tests.support.virtual_time import run


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> SoundCard:
    pytest.importorskip("pyaudio", reason="PyAudio is not installed")
    pytest.importorskip("pywebrtc_audio", reason="pywebrtc-audio is not installed")
    return plug_in(monkeypatch, SoundCard())


def listed(timeout_s: float) -> list[dict[str, Any]]:
    latencies = {f"default_{level}_{side}_latency": 0.01 for level in ("low", "high") for side in ("input", "output")}
    common = {
        "hostapi": 0,
        **latencies,
        "sample_rate": 44100.0,
        "host_api": "fake",
        "is_default_input": True,
        "is_default_output": False,
    }
    return [{"name": "desk", "index": 3, "max_input_channels": 2, "max_output_channels": 0, **common}]


def test_listing(card: SoundCard, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from livekit_utils import MediaDevices

    monkeypatch.setattr("livekit_utils.devices.backend.worker_process.list_devices", listed)
    monkeypatch.setattr("livekit_utils.devices.backend.worker_thread.list_devices", listed)
    media_devices = MediaDevices()

    devices = media_devices.list_input_devices()
    for dev in devices:
        print(f"{dev['index']}: {dev['name']}")

    assert capsys.readouterr().out == "3: desk\n"
    assert (devices[0]["channels"], devices[0]["sample_rate"]) == (2, 44100.0)
    # What the SDK's has: its class hands on those of the module sounddevice.
    assert {
        *("name", "index", "hostapi", "max_input_channels", "max_output_channels", "default_samplerate"),
        *("default_low_input_latency", "default_low_output_latency"),
        *("default_high_input_latency", "default_high_output_latency"),
    } < {*devices[0]}
    assert (devices[0]["max_input_channels"], devices[0]["default_samplerate"]) == (2, 44100.0)
    assert not {key for key in devices[0] if key.startswith("is_default_")}
    assert media_devices.list_output_devices() == []
    assert (media_devices.default_input_device(), media_devices.default_output_device()) == (3, None)


def test_a_microphone(card: SoundCard) -> None:
    from livekit_utils import LocalAudioTrack, MediaDevices

    room = Room()

    async def main() -> None:
        devices = MediaDevices()
        capture = devices.open_input(
            enable_aec=True,
            noise_suppression=True,
            auto_gain_control=True,
        )

        # Use captured audio
        source = capture.source
        track = LocalAudioTrack.create_audio_track("mic", source)
        await room.local_participant.publish_track(track)

        async with AudioStream(room.local_participant.published[0]) as stream:
            assert (await anext(stream)).frame.samples_per_channel == 480
        assert capture.apm is not None
        assert isinstance(capture.task, asyncio.Task)
        assert capture.input_stream is not None
        assert capture.delay_estimator is not None

        await capture.aclose()
        await source.aclose()

    run(main())


def test_a_speaker(card: SoundCard) -> None:
    from livekit_utils import LocalAudioTrack, MediaDevices, TrackKind

    room = Room()

    async def main() -> None:
        devices = MediaDevices()
        sources = [AudioSource(48000, 1) for _ in range(4)]
        tracks = [LocalAudioTrack.create_audio_track("remote", source) for source in sources]
        remote_audio_track, track1, track2, track = tracks

        player = devices.open_output()
        await player.add_track(remote_audio_track)
        await player.start()

        # Add tracks as they're subscribed
        @room.on("track_subscribed")
        def on_track(track: Any, publication: Any, participant: Any) -> None:
            if track.kind == TrackKind.KIND_AUDIO:
                asyncio.create_task(player.add_track(track))  # noqa: RUF006

        room.emit("track_subscribed", track, None, None)

        await player.add_track(track1)
        await player.add_track(track2)

        for source in sources:
            await source.capture_frame(AudioFrame(np.full(24000, 1000, np.int16), 48000, 1, 24000))
        await asyncio.sleep(0.3)

        await player.remove_track(track)

        await asyncio.sleep(0.5)

        await player.aclose()

        for source in sources:
            await source.aclose()

    run(main())
    levels = set(np.unique(card.sound))
    assert {3000, 4000} <= levels  # all four were heard, then three
