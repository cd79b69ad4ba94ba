"""The tracks of a MediaPlayer in the SDK's hands."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from livekit_utils import MediaPlayer, from_livekit
from tests.sdk.test_publishing import in_room
from tests.sdk.test_streams import num_listeners, run
from tests.support.media_files import RATE, Clip, number_of, stamp

pytest.importorskip("av")


def test_the_streams_of_the_sdk_hear_and_see_it(rtc: Any, tmp_path: Path) -> None:
    path = Clip(seconds=0.6, sound_s=0.6).write(tmp_path / "clip.mkv")

    async def main() -> None:
        async with MediaPlayer(path) as player:
            sound, pictures = rtc.AudioStream(player.audio), rtc.VideoStream(player.video)
            numbers: list[int] = []
            samples: list[np.ndarray] = []

            async def see() -> None:
                async for event in pictures:
                    numbers.append(number_of(from_livekit(event.frame.convert(rtc.VideoBufferType.I420))))

            async def hear() -> None:
                async for event in sound:
                    samples.append(np.frombuffer(event.frame.data, np.int16))

            watching = [asyncio.create_task(see()), asyncio.create_task(hear())]
            await asyncio.sleep(0.1)
            await player.play()
            await player.wait_for_playout()
            await asyncio.sleep(0.2)
            for task in watching:
                task.cancel()
            await asyncio.wait(watching)
            await sound.aclose()
            await pictures.aclose()
        heard = np.concatenate(samples)
        heard = heard[heard != 0]
        assert np.array_equal(heard, stamp(np.arange(round(0.6 * RATE))))
        if numbers[0] != 0:
            del numbers[
                0
            ]  # until the first picture, the SDK's source sends one of its own, of whatever its memory holds
        assert numbers == sorted(set(numbers))
        assert numbers[-1] < 18
        assert len(numbers) >= 10  # the SDK's stream drops what is read too late

    run(main)


def test_a_room_takes_both_tracks(rtc: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = Clip(seconds=1, sound_s=1).write(tmp_path / "clip.mkv")

    async def main(room: Any, server: Any) -> None:
        before = num_listeners()
        async with MediaPlayer(path, loop=True) as player:
            for track in (player.audio, player.video):
                publication = await room.local_participant.publish_track(track)
                assert publication.track is track
            await player.play()
            await asyncio.sleep(0.2)
            assert player.stats().num_pictures >= 4
        for _ in range(500):
            if num_listeners() == before:  # what was on its way is sent
                break
            await asyncio.sleep(0.01)

    in_room(rtc, monkeypatch, main)
