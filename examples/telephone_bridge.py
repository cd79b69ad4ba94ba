"""Joins a telephone line on a websocket to an agent's source and stream.

The line sends and takes JSON with 20 ms of mu-law in base64, as Twilio's media streams and others do. Here the line is
simulated, and the agent says what it heard once more, at half the level. `bridge` is what a program needs; its
websocket is any object with `send` and `async for`, such as that of the package websockets.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

from livekit_utils import AudioFrame, AudioSource, AudioStream, LocalAudioTrack, TelephonyCodec, resample_audio

RATE = 16000


class WebSocket:
    """One end of a connection in memory."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[str] = asyncio.Queue()
        self.other = self

    async def send(self, text: str) -> None:
        await self.other.inbox.put(text)

    async def __aiter__(self) -> AsyncIterator[str]:
        while True:
            yield await self.inbox.get()


async def bridge(websocket: WebSocket, caller: AudioSource, agent: AudioStream) -> None:
    """Plays what the line sends into a source, and sends what a stream gives; until the line hangs up."""
    codec = TelephonyCodec("ulaw", sample_rate=RATE)

    async def send(packets: list[bytes]) -> None:
        for packet in packets:
            media = {"payload": base64.b64encode(packet).decode()}
            await websocket.send(json.dumps({"event": "media", "media": media}))

    async def to_line() -> None:
        async for event in agent:
            await send(codec.encode(event.frame))
        await send(codec.flush())
        await websocket.send(json.dumps({"event": "stop"}))

    sending = asyncio.create_task(to_line())
    async for text in websocket:
        message = json.loads(text)
        if message["event"] == "media":
            await caller.capture_frame(codec.decode(base64.b64decode(message["media"]["payload"])))
        elif message["event"] == "stop":
            break
    await caller.wait_for_playout()
    await caller.aclose()
    await sending


async def repeat(heard: AudioStream, voice: AudioSource) -> None:
    """The agent."""
    async for event in heard:
        await voice.capture_frame(event.frame.with_gain(0.5))
    await voice.wait_for_playout()
    await voice.aclose()


async def call(websocket: WebSocket, speech: AudioFrame) -> bytes:
    """The line: speaks in packets of 20 ms, hangs up, and returns the mu-law that came back."""
    codec = TelephonyCodec("ulaw", sample_rate=speech.sample_rate)
    for packet in codec.encode(speech) + codec.flush():
        media = {"payload": base64.b64encode(packet).decode()}
        await websocket.send(json.dumps({"event": "media", "media": media}))
        await asyncio.sleep(0.02)
    await websocket.send(json.dumps({"event": "stop"}))
    heard = bytearray()
    async for text in websocket:
        message = json.loads(text)
        if message["event"] == "stop":
            break
        heard += base64.b64decode(message["media"]["payload"])
    return bytes(heard)


async def main(speech: AudioFrame) -> bytes:
    line, end = WebSocket(), WebSocket()
    line.other, end.other = end, line
    caller, voice = AudioSource(RATE, 1), AudioSource(RATE, 1)
    heard = AudioStream(LocalAudioTrack.create_audio_track("caller", caller), sample_rate=RATE)
    spoken = AudioStream(LocalAudioTrack.create_audio_track("agent", voice), sample_rate=RATE)
    came_back, *_ = await asyncio.gather(call(line, speech), bridge(end, caller, spoken), repeat(heard, voice))
    return came_back


if __name__ == "__main__":
    recording = Path(__file__).parent / "recordings" / "speech.wav"
    frame = AudioFrame.from_wav_bytes(recording.read_bytes())
    data = asyncio.run(main(resample_audio(frame, frame.sample_rate, RATE)))
    print(f"{frame.duration:.2f} s went down the line, {len(data) / 8000:.2f} s came back")
