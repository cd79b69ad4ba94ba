"""MediaPlayer: every picture with its sound, through pauses, seeks and laps."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from livekit_utils import MediaPlayer
from tests.support.decoding import nothing_is_left, run
from tests.support.long_runs import IS_THOROUGH
from tests.support.media_files import FPS, IN_TIME_S, RATE, Audience, Clip, now, number_of, play_all, stamp
from tests.support.randomness import Rand

pytest.importorskip("av")


def check_times(audience: Audience, stamps: list[float], origin: float = 0.0) -> None:
    """All pictures were shown in order and in time, and so was all sound that is not silent."""
    assert audience.numbers() == list(range(len(stamps)))
    late = [when - stamp - origin for (when, _), stamp in zip(audience.shown, stamps, strict=True)]
    assert max(map(abs, late)) < IN_TIME_S
    assert max((abs(when - media - origin) for when, media in audience.heard), default=0) < IN_TIME_S


def test_a_file_is_played_once(tmp_path: Path) -> None:
    path = Clip().write(tmp_path / "clip.mkv")
    player = MediaPlayer(path)
    assert player.audio is not None
    assert player.video is not None
    assert player.duration_s == pytest.approx(2, abs=0.01)
    audience = run(play_all(player))
    check_times(audience, [i / FPS for i in range(2 * FPS)])
    assert np.array_equal(audience.samples, stamp(np.arange(2 * RATE)))
    assert len(audience.offsets_s()) == 2 * FPS
    assert max(map(abs, audience.offsets_s())) < IN_TIME_S
    assert player.duration_s == player.position_s == 2
    stats = player.stats()
    assert (stats.num_pictures, stats.num_dropped, stats.num_damaged, stats.num_errors) == (2 * FPS, 0, 0, 0)
    assert stats.offset_p99_ms < 1000 * IN_TIME_S


@pytest.mark.parametrize("as_object", [False, True])
def test_only_pictures(tmp_path: Path, as_object: bool) -> None:
    path = Clip(sound_s=None).write(tmp_path / "clip.mkv")
    player = MediaPlayer(Clip(sound_s=None).bytes(tmp_path) if as_object else path)
    assert player.audio is None
    check_times(run(play_all(player)), [i / FPS for i in range(2 * FPS)])


def test_only_sound(tmp_path: Path) -> None:
    player = MediaPlayer(Clip(seconds=None, sound_s=1.2345).write(tmp_path / "clip.wav"))
    assert player.video is None
    audience = run(play_all(player))
    assert np.array_equal(audience.samples, stamp(np.arange(round(1.2345 * RATE))))
    assert player.duration_s == pytest.approx(1.2345, abs=1 / RATE)


@pytest.mark.parametrize(
    "clip",
    [
        Clip(sound_s=1.0),
        Clip(seconds=1.0, sound_s=2.0),
        Clip(sound_at=0.7),
        Clip(seconds=6, sound_s=6, sound_gap=(1.0, 4.9)),
        Clip(seconds=3, sound_s=1.0, sound_gap=(0.5, 0.54)),
        Clip(offset_s=1.48),
        Clip(times=[0.0, 0.04, 0.1, 0.11, 0.9, 1.5, 1.933], sound_s=2.0),
        Clip(fps=1, seconds=8, sound_s=1.0),
        Clip(times=[0.4 + i * 0.04 for i in range(30)], sound_s=2.0),
    ],
    ids=["short sound", "short pictures", "late sound", "gap", "small gap", "offset", "vfr", "slow", "late pictures"],
)
def test_pictures_and_sound_that_are_not_equally_long(tmp_path: Path, clip: Clip) -> None:
    player = MediaPlayer(clip.write(tmp_path / "clip.mkv"))
    audience = run(play_all(player))
    stamps = clip.times or [i / clip.fps for i in range(round((clip.seconds or 0) * clip.fps))]
    check_times(audience, stamps)
    sound_s = (clip.sound_s or 0) - clip.sound_at
    if clip.sound_gap:
        sound_s -= clip.sound_gap[1] - clip.sound_gap[0]
    assert len(audience.heard) == pytest.approx(sound_s * 1000, abs=2)
    assert player.stats().num_dropped == 0
    length = max(clip.sound_s or 0, clip.seconds if clip.times is None else stamps[-1])
    assert player.position_s == pytest.approx(length, abs=0.1)
    assert audience.silence_s + sound_s == pytest.approx(player.position_s, abs=0.003)


def test_a_hole_as_short_as_a_packet(tmp_path: Path) -> None:
    """It may be jitter for a fifth of a second; then the sound after it is where it belongs."""
    clip = Clip(seconds=3, sound_s=3, sound_gap=(0.5, 0.52))
    audience = run(play_all(MediaPlayer(clip.write(tmp_path / "clip.mkv"))))
    off = [(when, when - media) for when, media in audience.heard]
    assert max(abs(late) for when, late in off) <= 0.0205
    assert max(abs(late) for when, late in off if not 0.49 < when < 0.75) < 0.002


@pytest.mark.parametrize(("sound_s", "seconds"), [(0.987, 1.0), (1.0, 0.92)])
@pytest.mark.parametrize("start_s", [0.0, 0.32])
def test_laps(tmp_path: Path, sound_s: float, seconds: float, start_s: float) -> None:
    """Twelve laps, of pictures and sound that are not equally long."""
    path = Clip(sound_s=sound_s, seconds=seconds).write(tmp_path / "clip.mkv")
    check_laps(path, sound_s, seconds, start_s, 12)


def check_laps(path: Path, sound_s: float, seconds: float, start_s: float, num_laps: int) -> None:
    lap_s = max(sound_s, seconds) - start_s

    async def main() -> Audience:
        async with MediaPlayer(path, loop=True, start_s=start_s) as player:
            audience = Audience(player, keeps=False)
            await player.play()
            audience.start = now()
            await asyncio.sleep(num_laps * lap_s - 0.005)
            assert player.position_s == pytest.approx(start_s + lap_s, abs=0.01)
            assert player.stats().num_dropped == 0
        return audience

    audience = run(main())
    numbers = [i for i in range(round(seconds * FPS)) if i / FPS >= start_s]
    assert audience.numbers() == numbers * num_laps
    for i, (when, number) in enumerate(audience.shown):
        lap = i // len(numbers)
        assert abs(when - lap * lap_s - number / FPS + start_s) < IN_TIME_S
    assert len(audience.heard) == pytest.approx(num_laps * (sound_s - start_s) * 1000, abs=10)
    for when, media in audience.heard:
        off = (when - media + start_s + lap_s / 2) % lap_s - lap_s / 2
        assert abs(off) < IN_TIME_S
    offsets = [off for off in audience.offsets_s() if abs(off) < lap_s / 2]
    assert max(map(abs, offsets)) < IN_TIME_S


@pytest.mark.skipif(not IS_THOROUGH, reason="takes a minute; for make soak")
def test_three_hundred_laps(tmp_path: Path) -> None:
    check_laps(Clip(sound_s=9.87, seconds=10.0).write(tmp_path / "clip.mkv"), 9.87, 10.0, 0.0, 300)


def test_a_pause_stops_both_and_they_go_on_together(tmp_path: Path, rand: Rand) -> None:
    for clip in (Clip(seconds=4, sound_s=4), Clip(seconds=4, sound_s=None), Clip(seconds=4, sound_s=0.3)):
        path = clip.write(tmp_path / "clip.mkv")

        async def main(path: Path = path) -> tuple[Audience, list[tuple[float, float]]]:
            pauses = []
            async with MediaPlayer(path) as player:
                audience = Audience(player)
                await player.play()
                audience.start = now()
                for _ in range(8):
                    await asyncio.sleep(rand.uniform(0.01, 0.4))
                    player.pause()
                    assert player.paused
                    at, since = player.position_s, now()
                    await asyncio.sleep(rand.uniform(0.01, 3.0))
                    assert player.position_s == pytest.approx(at, abs=1e-6)
                    player.resume()
                    pauses.append((since - audience.start, now() - audience.start))
                await player.wait_for_playout()
            return audience, pauses

        audience, pauses = run(main())

        def played(when: float, pauses: list[tuple[float, float]] = pauses) -> float:
            return when - sum(min(end, when) - start for start, end in pauses if start < when)

        assert audience.numbers() == list(range(4 * FPS))
        assert max(abs(played(when) - number / FPS) for when, number in audience.shown) < IN_TIME_S
        assert all(abs(played(when) - media) < IN_TIME_S for when, media in audience.heard)
        for start, end in pauses:
            assert not [when for when, _ in audience.shown if start + 0.002 < when < end - 0.002]
            assert not [when for when, _ in audience.heard if start + 0.0101 < when < end - 0.002]


@pytest.mark.parametrize("all_is_ahead", [False, True])
def test_a_seek_is_exact(tmp_path: Path, rand: Rand, all_is_ahead: bool) -> None:
    """To any place, while it plays, in a pause, and at the end."""
    path = Clip(seconds=6, sound_s=6, video="libx264", gop=50, b_frames=2).write(tmp_path / "clip.mkv")

    async def main() -> None:
        async with MediaPlayer(path) as player:
            audience = Audience(player)
            await player.play()
            for i in range(20):
                await asyncio.sleep(rand.choice([0.0, 0.003, 0.5, 7.0]))
                picture_s = rand.randrange(1, 6 * FPS) / FPS
                place = rand.choice([0.0, 2.0, 5.99, rand.uniform(0, 6), picture_s, picture_s - 0.0001])
                pauses = rand.random() < 0.4
                if pauses:
                    player.pause()
                audience.shown.clear()
                audience.heard.clear()
                await player.seek(place)
                assert player.position_s == pytest.approx(place, abs=0.001)
                first = int(place * FPS + 1e-9)
                if first + 1 < 6 * FPS and (first + 1) / FPS - place < 0.0005:
                    first += 1  # a picture that would be shown so briefly is left out
                if pauses:
                    await asyncio.sleep(0.3)
                    assert audience.numbers() == [first]
                    assert not audience.heard
                    player.resume()
                start = now()
                await asyncio.sleep(0.3)
                numbers = audience.numbers()
                assert numbers == list(range(first, first + len(numbers)))
                assert len(numbers) >= min(0.25 * FPS, 6 * FPS - first)
                offsets = audience.offsets_s()
                assert max(map(abs, offsets[1:]), default=0) < IN_TIME_S, f"seek {i} to {place}"
                # Matroska tells times in milliseconds.
                assert audience.heard[0][1] == pytest.approx(place, abs=0.0021)
                for when, media in audience.heard:
                    assert abs(when - start + audience.start - media + place) < IN_TIME_S

    run(main(), all_is_ahead=all_is_ahead)


@pytest.mark.parametrize("all_is_ahead", [False, True])
def test_a_position_is_never_before_the_place_of_a_seek(tmp_path: Path, all_is_ahead: bool) -> None:
    """The end of what was heard before does not count, in a pause either."""

    async def main() -> None:
        async with MediaPlayer(Clip(seconds=6, sound_s=6).write(tmp_path / "clip.mkv")) as player:
            await player.play()
            for pauses in (False, True):
                for place in (0.0, 2.0, 5.0):
                    await asyncio.sleep(0.503)
                    if pauses:
                        player.pause()
                    seek = asyncio.create_task(player.seek(place))
                    await asyncio.sleep(0)
                    start = now()
                    while now() < start + 0.03:
                        assert place <= player.position_s <= place + now() - start + 1e-6
                        await asyncio.sleep(0.001)
                    await seek
                    player.resume()

    run(main(), all_is_ahead=all_is_ahead)


def test_a_seek_before_it_plays(tmp_path: Path) -> None:
    async def main() -> None:
        async with MediaPlayer(Clip(seconds=6, sound_s=6).write(tmp_path / "clip.mkv"), start_s=1.0) as player:
            assert player.position_s == 1
            audience = Audience(player)
            await player.seek(4)
            await asyncio.sleep(1)
            assert not audience.shown
            await player.play()
            await player.wait_for_playout()
            assert audience.numbers() == list(range(4 * FPS, 6 * FPS))
            await player.play()  # from the start again
            await player.wait_for_playout()
            assert audience.numbers()[2 * FPS :] == list(range(FPS, 6 * FPS))
            assert player.position_s == 6

    run(main())


def test_many_seeks_at_once(tmp_path: Path, rand: Rand) -> None:
    """The last one counts, and nothing of the others is seen or heard."""

    async def main() -> None:
        async with MediaPlayer(Clip(seconds=6, sound_s=6).write(tmp_path / "clip.mkv")) as player:
            audience = Audience(player)
            await player.play()
            for _ in range(10):
                await asyncio.sleep(rand.uniform(0, 0.3))
                seeks = []
                for place in range(5):
                    seeks.append(asyncio.create_task(player.seek(place)))
                    await asyncio.sleep(0)
                audience.shown.clear()
                audience.heard.clear()
                if rand.random() < 0.5:
                    seeks[rand.randrange(4)].cancel()
                await asyncio.gather(*seeks, return_exceptions=True)
                await asyncio.sleep(0.2)
                assert audience.numbers()[0] == 4 * FPS
                assert min(media for _, media in audience.heard) == pytest.approx(4, abs=0.002)

    with nothing_is_left():
        run(main())


def test_a_loop_that_is_held_up_keeps_both_together(tmp_path: Path) -> None:
    async def main() -> Audience:
        async with MediaPlayer(Clip(seconds=4, sound_s=4).write(tmp_path / "clip.mkv")) as player:
            audience = Audience(player)
            await player.play()
            audience.start = now()
            for stall in (0.1, 0.3, 1.5):
                await asyncio.sleep(0.5)
                asyncio.get_running_loop().block(stall)  # type: ignore[attr-defined]
            await player.wait_for_playout()
        return audience

    audience = run(main())
    assert audience.numbers() == sorted(set(audience.numbers()))
    assert audience.numbers()[-1] == 4 * FPS - 1
    assert np.array_equal(audience.samples, stamp(np.arange(4 * RATE)))


@pytest.mark.parametrize("all_is_ahead", [False, True])
def test_pictures_that_are_never_read(tmp_path: Path, all_is_ahead: bool) -> None:
    """Only what is ahead of the clock is decoded, and again when it is less than half of that."""

    async def main() -> None:
        async with MediaPlayer(Clip(seconds=20, sound_s=20).write(tmp_path / "clip.mkv")) as player:
            await player.play()
            player.pause()
            await asyncio.sleep(60)
            stats = player.stats()
            assert 250 - PICTURE_MS <= round(stats.ahead_video_ms) <= 500 + PICTURE_MS
            assert 500 - BLOCK_MS <= round(stats.ahead_audio_ms) <= 1000 + BLOCK_MS
            assert stats.ahead_bytes < 16 * SIZE_BYTES + 2 * 1.1 * RATE

    run(main(), all_is_ahead=all_is_ahead)


SIZE_BYTES = 64 * 64 * 3 // 2
PICTURE_MS = 1000 // FPS
BLOCK_MS = 20


def test_large_pictures_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("livekit_utils.playback.media_ahead", fromlist=["x"])._AHEAD_BYTES, "video", 20_000)

    async def main() -> None:
        async with MediaPlayer(Clip().write(tmp_path / "clip.mkv")) as player:
            audience = Audience(player)
            await player.play()
            most = 0
            for _ in range(150):
                await asyncio.sleep(0.01)
                most = max(most, player.stats().ahead_bytes)
            assert most <= 20_000 + SIZE_BYTES + 2 * 1.1 * RATE
            await player.wait_for_playout()
            check_times(audience, [i / FPS for i in range(2 * FPS)])

    run(main())


def test_positions_never_go_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with MediaPlayer(Clip(sound_s=1.7).write(tmp_path / "clip.mkv")) as player:
            positions: list[Any] = []
            await player.play()
            start = now()
            while len(positions) < 1000 and player.position_s < 2:
                positions.append((now() - start, player.position_s))
                await asyncio.sleep(0.002)
            assert positions == sorted(positions)
            assert max(abs(when - at) for when, at in positions) < IN_TIME_S

    run(main())


def test_pictures_that_are_too_late_are_left_out(tmp_path: Path) -> None:
    """Where decoding is slower than the sound: what is decoded next is what is due, not what was due long ago."""
    from fractions import Fraction

    from livekit_utils.playback.media_frames import MediaFrames

    path = Clip(seconds=4, sound_s=4, video="libx264", gop=100, b_frames=2).write(tmp_path / "clip.mkv")
    frames = MediaFrames(path, Fraction(0), False)
    assert number_of(frames.pictures.next().content.frame) == 0  # type: ignore[union-attr]
    frames.pictures.needed_s = 2.0
    given = []
    while (item := frames.pictures.next()) is not None:
        given.append(number_of(item.content.frame))
    assert given[0] in (49, 50, 51)
    assert given[-48:] == list(range(52, 100))
    assert frames.pictures.num_skipped > 20
    frames.close()


def test_a_still_is_shown_however_late(tmp_path: Path) -> None:
    """A picture that is seen for long is due until the next one is."""
    path = Clip(times=[0.0, 1.0, 1.04, 9.0], sound_s=10).write(tmp_path / "clip.mkv")

    async def main() -> None:
        async with MediaPlayer(path) as player:
            audience = Audience(player)
            await player.seek(5)
            await player.play()
            await asyncio.sleep(1)
            assert audience.numbers() == [2]
            await player.wait_for_playout()
            assert audience.numbers() == [2, 3]
            assert player.stats().num_dropped == 0

    run(main())
