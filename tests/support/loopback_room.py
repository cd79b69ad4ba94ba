"""Stands in for a server of LiveKit: a room of the SDK in which another participant publishes what one publishes.

Everything of the SDK is real, but for the answers to the requests that need a server. As a program, it runs another one
against itself: `python -m tests.support.loopback_room PROGRAM`.
"""

from __future__ import annotations

import itertools
import os
import runpy
import sys
from collections.abc import Callable
from typing import Any

from livekit import rtc
from livekit.rtc._ffi_client import FfiClient
from livekit.rtc._proto import ffi_pb2

OTHER = "echo"


class LoopbackRoom:
    """Answers the requests of one room.

    Its handles are 0, which the SDK gives back to nobody. Handle 0 of a track is that of the last one published.

    Args:
        passes_on: Called with each request that is none of the room's, and returns the answer.
    """

    def __init__(self, passes_on: Callable[[Any], Any]) -> None:
        self._passes_on = passes_on
        self._ids = itertools.count(1)
        self._published = 0
        self.requests: list[Any] = []
        """The requests that were answered here."""

    def answer(self, request: Any) -> Any:
        kind = request.WhichOneof("message")
        method = getattr(self, f"_{kind}", None)
        if method is not None:
            self.requests.append(request)
            response = ffi_pb2.FfiResponse()
            getattr(response, kind).SetInParent()
            method(getattr(request, kind), getattr(response, kind))
            return response
        if kind in ("new_audio_stream", "new_video_stream") and not getattr(request, kind).track_handle:
            getattr(request, kind).track_handle = self._published
        return self._passes_on(request)

    def room_event(self, **parts: Any) -> None:
        """Has the room learn of something."""
        event = ffi_pb2.FfiEvent()
        event.room_event.room_handle = 0
        for kind, fill in parts.items():
            part = getattr(event.room_event, kind)
            part.SetInParent()
            for path, value in fill.items():
                *names, last = path.split("__")
                owner = part
                for name in names:
                    owner = getattr(owner, name)
                setattr(owner, last, value)
        FfiClient.instance.queue.put(event)

    def _callback(self, kind: str, response: Any) -> Any:
        response.async_id = next(self._ids)
        event = ffi_pb2.FfiEvent()
        getattr(event, kind).async_id = response.async_id
        return event

    def _connect(self, request: Any, response: Any) -> None:
        event = self._callback("connect", response)
        result = event.connect.result
        result.room.info.sid, result.room.info.name = "RM_loop", "loop"
        result.local_participant.info.identity = "me"
        other = result.participants.add()
        other.participant.info.identity = OTHER
        FfiClient.instance.queue.put(event)

    def _ready_for_room_event(self, request: Any, response: Any) -> None: ...

    def _publish_track(self, request: Any, response: Any) -> None:
        self._published = request.track_handle
        number = next(self._ids)
        event = self._callback("publish_track", response)
        info = event.publish_track.publication.info
        info.sid, info.name, info.kind, info.source = f"TR_mine{number}", "mine", 1, request.options.source
        FfiClient.instance.queue.put(event)
        self.room_event(local_track_published={"track_sid": info.sid})
        self.room_event(local_track_subscribed={"track_sid": info.sid})
        sid = f"TR_echo{number}"
        self.room_event(
            track_published={
                "participant_identity": OTHER,
                "publication__info__sid": sid,
                "publication__info__kind": 1,
                "publication__info__source": request.options.source,
            }
        )
        self.room_event(
            track_subscribed={
                "participant_identity": OTHER,
                "track__info__sid": sid,
                "track__info__name": "echo",
                "track__info__kind": 1,
            }
        )

    def _unpublish_track(self, request: Any, response: Any) -> None:
        sid = request.track_sid
        self.room_event(
            track_unsubscribed={"participant_identity": OTHER, "track_sid": sid.replace("TR_mine", "TR_echo")}
        )
        FfiClient.instance.queue.put(self._callback("unpublish_track", response))

    def _disconnect(self, request: Any, response: Any) -> None:
        self.room_event(disconnected={"reason": 1})
        self.room_event(eos={})
        FfiClient.instance.queue.put(self._callback("disconnect", response))


def install(set_attribute: Callable[[Any, str, Any], None] = setattr) -> LoopbackRoom:
    """Puts a room in place of the servers of the SDK."""
    request = FfiClient.request
    room = LoopbackRoom(lambda message: request(FfiClient.instance, message))
    set_attribute(FfiClient, "request", lambda client, message: room.answer(message))

    class NoEncryption:
        def __init__(self, *arguments: Any) -> None: ...

    set_attribute(rtc.room, "E2EEManager", NoEncryption)
    return room


if __name__ == "__main__":
    install()
    runpy.run_path(sys.argv[1], run_name="__main__")
    sys.stdout.flush()
    os._exit(0)  # SDK 1.0.x may abort in its own clean-up at the exit
