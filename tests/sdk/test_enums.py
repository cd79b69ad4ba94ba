"""Our enums have the methods of the SDK's, which are protobuf's, and the same results and errors."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import numpy as np
import pytest

import livekit_utils
from livekit_utils import TrackKind, VideoBufferType, VideoRotation

ENUMS: list[Any] = [TrackKind, VideoBufferType, VideoRotation]

VALUES = [0, 1, 3, 99, -1, True, False, np.int64(1), np.uint8(99), 1.0, "1", "KIND_AUDIO", b"", None, 2**31 - 1]
NAMES = ["KIND_AUDIO", "I420", "VIDEO_ROTATION_90", "kind_audio", "", 1, 2.5, None, "name", "keys", "__doc__"]


def outcome(call: Callable[..., Any], *arguments: Any) -> Any:
    """A result, or the kind and the text of an error."""
    try:
        return call(*arguments)
    except Exception as error:
        return type(error), str(error)


@pytest.mark.parametrize("ours", ENUMS, ids=lambda enum: enum.__name__)
class TestAsProtobufs:
    def test_all_that_there_is(self, rtc: Any, ours: Any) -> None:
        theirs = getattr(rtc, ours.__name__)
        assert (ours.keys(), ours.values(), ours.items()) == (theirs.keys(), theirs.values(), theirs.items())
        assert type(ours.keys()) is type(ours.values()) is type(ours.items()) is list
        assert ours.ValueType is theirs.ValueType is int

    @pytest.mark.parametrize("value", VALUES, ids=repr)
    def test_name(self, rtc: Any, ours: Any, value: Any) -> None:
        assert outcome(ours.Name, value) == outcome(getattr(rtc, ours.__name__).Name, value)

    @pytest.mark.parametrize("value", [2**31, -(2**40), [], {}])
    def test_what_theirs_finds_no_words_for(self, ours: Any, value: Any) -> None:
        """Their own lookup fails first, and says what it is itself made of."""
        with pytest.raises(ValueError if isinstance(value, int) else TypeError, match="Enum"):
            ours.Name(value)

    @pytest.mark.parametrize("name", NAMES, ids=repr)
    def test_value(self, rtc: Any, ours: Any, name: Any) -> None:
        assert outcome(ours.Value, name) == outcome(getattr(rtc, ours.__name__).Value, name)

    def test_values_are_members(self, ours: Any) -> None:
        for name, member in ours.items():
            assert ours.Value(name) is member is getattr(ours, name) is ours(int(member))
            assert ours.Name(member) == member.name == name

    def test_it_is_still_an_enum(self, ours: Any) -> None:
        assert issubclass(ours, IntEnum)
        assert [*ours] == ours.values()
        assert "ValueType" not in ours.__members__
        for member in ours:
            assert pickle.loads(pickle.dumps(member)) is member is copy.deepcopy(member)
            assert f"{member}" == f"{int(member)}"


def test_every_enum_that_is_protobufs_in_the_sdk(rtc: Any) -> None:
    found = {name for name in livekit_utils.__all__ if type(getattr(rtc, name, None)).__name__ == "EnumTypeWrapper"}
    assert found == {enum.__name__ for enum in ENUMS}
