"""Written for LiveKit's own package: mixes two voices, resamples the mix, and sends it out with pictures.

Prints what came of it as JSON.
"""

import asyncio
import json
import math
from array import array

from livekit import rtc

RATE = 48000
FPS = 25


def tone(freq, seconds, amplitude):
    step = 2 * math.pi * freq / RATE
    return array("h", (round(amplitude * math.sin(step * i)) for i in range(round(seconds * RATE))))


async def voice(samples):
    for start in range(0, len(samples), RATE // 100):
        piece = samples[start : start + RATE // 100]
        yield rtc.AudioFrame(piece.tobytes(), RATE, 1, len(piece))


async def mix():
    mixer = rtc.AudioMixer(RATE, 1, blocksize=RATE // 50, stream_timeout_ms=1000, capacity=20)
    mixer.add_stream(voice(tone(440, 1.0, 15000)))
    mixer.add_stream(voice(tone(660, 0.5, 15000)))
    mixer.end_input()
    frames = []
    async for frame in mixer:
        frames.append(frame)
    await mixer.aclose()
    return frames


def resample(frames):
    resampler = rtc.AudioResampler(input_rate=RATE, output_rate=16000, quality=rtc.AudioResamplerQuality.HIGH)
    resampled = []
    for frame in frames:
        resampled += resampler.push(frame)
    return resampled + resampler.flush()


async def send(frames):
    audio_source = rtc.AudioSource(sample_rate=RATE, num_channels=1)
    video_source = rtc.VideoSource(width=64, height=32)
    tracks = [
        rtc.LocalAudioTrack.create_audio_track("voice", audio_source),
        rtc.LocalVideoTrack.create_video_track("face", video_source),
    ]
    listening = rtc.AudioStream(tracks[0], sample_rate=RATE, num_channels=1)
    watching = rtc.VideoStream(tracks[1])
    av_sync = rtc.AVSynchronizer(
        audio_source=audio_source,
        video_source=video_source,
        video_fps=FPS,
        video_queue_size_ms=100,
    )
    num_seen = num_heard = 0

    async def watch():
        nonlocal num_seen
        async for _ in watching:
            num_seen += 1

    async def listen():
        nonlocal num_heard
        async for event in listening:
            num_heard += any(event.frame.data)

    tasks = [asyncio.create_task(watch()), asyncio.create_task(listen())]
    pixels = bytes(64 * 32 * 3 // 2)
    for i in range(FPS):
        picture = rtc.VideoFrame(64, 32, rtc.VideoBufferType.I420, pixels)
        await av_sync.push(picture, timestamp=i / FPS)
        for frame in frames[2 * i : 2 * i + 2]:
            await av_sync.push(frame, timestamp=(i + 1) / FPS)
    await av_sync.wait_for_playout()
    fps, last = av_sync.actual_fps, av_sync.last_video_time
    await asyncio.sleep(0.1)
    await av_sync.aclose()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await listening.aclose()
    await watching.aclose()
    await audio_source.aclose()
    await video_source.aclose()
    return {
        "fps": fps,
        "last_video_time": last,
        "seen": num_seen,
        "heard_ms": 10 * num_heard,
        "kinds": [int(track.kind) for track in tracks],
    }


async def main():
    frames = await mix()
    mixed = rtc.combine_audio_frames(frames)
    resampled = rtc.combine_audio_frames(resample(frames))
    apm = rtc.AudioProcessingModule(high_pass_filter=True)
    rumble = rtc.AudioFrame(bytearray(array("h", [1000] * 480).tobytes()), RATE, 1, 480)
    for _ in range(20):
        apm.process_stream(rumble)
    result = {
        "blocks": [frame.samples_per_channel for frame in frames],
        "duration": mixed.duration,
        "mixed": list(mixed.data),
        "rate": resampled.sample_rate,
        "resampled": list(resampled.data),
        "rumble": max(abs(sample) for sample in rumble.data),
        **await send(frames),
    }
    print(json.dumps(result))


asyncio.run(main())
