"""Written for LiveKit's own package: publishes a voice in a room, and listens to another participant.

Prints what came of it as JSON.
"""

import asyncio
import json
from array import array

from livekit import rtc

RATE = 48000
FRAME = RATE // 100


async def speak(source, seconds):
    for i in range(round(seconds * 100)):
        samples = array("h", [1000 + i] * FRAME)
        await source.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, FRAME))
    await source.wait_for_playout()


async def listen(track, heard):
    async for event in rtc.AudioStream(track, sample_rate=RATE, num_channels=1):
        level = max(event.frame.data)
        if level:
            heard.append(level)


async def main():
    room = rtc.Room()
    events, tasks, heard = [], [], []

    @room.on("track_subscribed")
    def on_track(track, publication, participant):
        events.append(["subscribed", participant.identity, track.kind == rtc.TrackKind.KIND_AUDIO])
        tasks.append(asyncio.create_task(listen(track, heard)))

    @room.on("local_track_published")
    def on_published(publication, track):
        events.append(["published", publication.sid == track.sid, track.name])

    await room.connect("ws://localhost:7880", "token")
    source = rtc.AudioSource(RATE, 1)
    track = rtc.LocalAudioTrack.create_audio_track("voice", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    publication = await room.local_participant.publish_track(track, options)
    await asyncio.wait_for(publication.wait_for_subscription(), 5)
    await asyncio.sleep(0.2)
    await speak(source, 1)
    await asyncio.sleep(0.2)
    told = list(heard)
    muted = []
    for change in (track.mute, track.unmute):
        change()
        muted.append(track.muted)
    result = {
        "events": events,
        "told": told,
        "muted": muted,
        "sid": track.sid == publication.sid,
        "is_mine": publication.track is track,
        "source": publication.source == rtc.TrackSource.SOURCE_MICROPHONE,
    }
    await room.local_participant.unpublish_track(publication.sid)
    await source.aclose()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await room.disconnect()
    print(json.dumps(result))


asyncio.run(main())
