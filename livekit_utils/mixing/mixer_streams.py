"""MixerStreams finds the inputs of a mixer by their streams and names."""

from __future__ import annotations

from livekit_utils._runtime.finished_streams import FinishedStreams
from livekit_utils.mixing.mixer_input import MixerInput


class MixerStreams:
    """The last input of each stream and name, and which streams have ended.

    A stream that has ended may be added again before the rest of it is mixed.
    """

    def __init__(self) -> None:
        self._by_stream: dict[int, MixerInput] = {}  # by the id of a stream, which its input keeps alive
        self.by_name: dict[str, MixerInput] = {}
        self._finished = FinishedStreams()
        self._num_named = 0

    def check(self, stream: object, name: str | None) -> str:
        """Returns the name of a stream that is to be added; a new one if it has none.

        Raises:
            ValueError: The stream or the name is there already.
        """
        if not _has_made_way(self._by_stream.get(id(stream))):
            raise ValueError(f"{stream!r} is a stream of this AudioMixer already")
        if name is None:
            name = self._make_name()
        if not _has_made_way(self.by_name.get(name)):
            raise ValueError(f"name: expected one that no other stream has, got {name!r}")
        return name

    def add(self, source: MixerInput) -> None:
        self._by_stream[id(source.stream)] = self.by_name[source.name] = source

    def end(self, source: MixerInput) -> None:
        """The stream has ended by itself."""
        self._finished.add(source.stream)

    def forget(self, source: MixerInput) -> None:
        if self._by_stream.get(id(source.stream)) is source:
            del self._by_stream[id(source.stream)]
        if self.by_name.get(source.name) is source:
            del self.by_name[source.name]

    def has_ended(self, stream: object) -> bool:
        """Whether the stream ended by itself, and was not added again."""
        source = self._by_stream.get(id(stream))
        return source.ended if source is not None else stream in self._finished

    def is_gone(self, stream: object) -> bool:
        """Whether the stream ended by itself, and nothing of it is left."""
        return id(stream) not in self._by_stream and stream in self._finished

    def find(self, stream: object) -> MixerInput:
        """Returns the input of a stream.

        Raises:
            ValueError: There is none.
        """
        source = self._by_stream.get(id(stream))
        if source is None:
            raise ValueError(f"{stream!r} is not a stream of this AudioMixer")
        return source

    def _make_name(self) -> str:
        while True:
            self._num_named += 1
            name = f"stream {self._num_named}"
            if name not in self.by_name:
                return name


def _has_made_way(source: MixerInput | None) -> bool:
    """Whether another input may take the place of this one."""
    return source is None or source.ended
