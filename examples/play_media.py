"""Plays a media file as two tracks, as an agent does in a room, and prints how far picture and sound are apart.

The clip is made up, 1.97 s of sound under 2.00 s of pictures, or any file that PyAV can read:

    python examples/play_media.py                       # laps, a pause and a seek
    python examples/play_media.py clip.mp4 --seconds 20

It needs PyAV: pip install ".[video]".
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

import av
import numpy as np

from livekit_utils import AudioStream, MediaPlayer, VideoStream

RATE = 48000
FPS = 25
SIZE = 320, 180
PICTURES_S, SOUND_S = 2.0, 1.97


def make_clip(path: Path) -> Path:
    """Writes a bar that moves to the right, under a tone that rises."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=FPS)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for i in range(int(PICTURES_S * FPS)):
            pixels = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
            pixels[:, SIZE[0] * i // int(PICTURES_S * FPS) :][:, :8] = 255
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        at = np.arange(int(SOUND_S * RATE)) / RATE
        tone = (8000 * np.sin(2 * np.pi * (220 + 110 * at) * at)).astype(np.int16)
        sound = av.AudioFrame.from_ndarray(tone[np.newaxis], format="s16", layout="mono")
        sound.sample_rate = RATE
        container.mux(audio.encode(sound))
        for stream in (video, audio):
            container.mux(stream.encode(None))
    return path


async def look(player: MediaPlayer) -> int:
    """Counts pictures, as somebody in a room sees them."""
    assert player.video is not None
    return len([event async for event in VideoStream(player.video)])


async def listen(player: MediaPlayer) -> float:
    """Counts seconds of sound, as somebody in a room hears them."""
    assert player.audio is not None
    stream = AudioStream(player.audio)
    return sum([event.frame.duration async for event in stream])


def tell(player: MediaPlayer, what: str) -> None:
    stats = player.stats()
    print(
        f"{what:24} at {player.position_s:6.2f} s, {stats.num_pictures:4} pictures, {stats.num_dropped} dropped, "
        f"{stats.offset_p99_ms:.1f} ms apart"
    )


async def main(path: Path | None, seconds: float) -> tuple[int, float]:
    """Plays in laps for some seconds, pauses, and seeks."""
    with tempfile.TemporaryDirectory() as folder:
        async with MediaPlayer(path or make_clip(Path(folder, "clip.mkv")), loop=True) as player:
            print(player, player.duration_s, "s")
            watching = [asyncio.create_task(watch(player)) for watch in (look, listen)]
            await player.play()
            await asyncio.sleep(seconds)
            tell(player, f"after {seconds:g} s of laps")
            player.pause()
            await asyncio.sleep(1)
            tell(player, "after a pause of 1 s")
            await player.seek(0.5)
            tell(player, "after a seek to 0.50 s")
            player.resume()
            await asyncio.sleep(1)
            tell(player, "1 s later")
        pictures, sound = await asyncio.gather(*watching)
        print(f"seen: {pictures} pictures; heard: {sound:.2f} s")
        return int(pictures), sound


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--seconds", type=float, default=9.0)
    options = parser.parse_args()
    asyncio.run(main(options.file, options.seconds))
