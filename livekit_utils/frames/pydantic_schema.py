"""Frames as fields of pydantic models: the same JSON as the LiveKit SDK's frames.

Only pydantic asks for these, so it is there.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from enum import IntEnum
from typing import Any

__all__ = ["audio_frame_schema", "video_frame_schema"]


def audio_frame_schema(cls: type, as_audio_frame: Callable[[Any], Any]) -> Any:
    """Returns the schema of AudioFrame or a subclass: an object with `data` (base64), `sample_rate`, `num_channels` and
    `samples_per_channel`.

    Args:
        cls: The class of the field.
        as_audio_frame: Returns a frame of another class as an AudioFrame, or raises TypeError.
    """
    numbers = ("sample_rate", "num_channels", "samples_per_channel")

    def read(value: Any) -> Any:
        if isinstance(value, dict):
            return cls(_decoded(_field(value, "data")), *(_field(value, name) for name in numbers))
        frame = as_audio_frame(value)
        if isinstance(frame, cls):
            return frame
        return cls(frame.data, *(getattr(frame, name) for name in numbers), userdata=frame.userdata)

    def write(frame: Any) -> dict[str, Any]:
        return {"data": _encoded(frame.data), **{name: getattr(frame, name) for name in numbers}}

    return _schema(cls.__name__, {"data": str, **dict.fromkeys(numbers, int)}, read, write)


def video_frame_schema(cls: type, as_video_frame: Callable[[Any], Any], buffer_type: type[IntEnum]) -> Any:
    """Returns the schema of VideoFrame or a subclass: an object with `width`, `height`, `type` (a name) and `data`
    (base64).

    Args:
        cls: The class of the field.
        as_video_frame: Returns a frame of another class as a VideoFrame, or raises TypeError.
        buffer_type: The enumeration of formats.
    """

    def read(value: Any) -> Any:
        if isinstance(value, dict):
            kind = _field(value, "type")
            if isinstance(kind, str):
                if kind not in buffer_type.__members__:
                    raise ValueError(f"type: expected one of {', '.join(buffer_type.__members__)}, got {kind!r}")
                kind = buffer_type[kind]
            return cls(_field(value, "width"), _field(value, "height"), kind, _decoded(_field(value, "data")))
        frame = as_video_frame(value)
        return frame if isinstance(frame, cls) else cls(frame.width, frame.height, frame.type, frame.data)

    def write(frame: Any) -> dict[str, Any]:
        return {
            "width": frame.width,
            "height": frame.height,
            "type": frame.type.name,
            "data": _encoded(frame.data),
        }

    return _schema(cls.__name__, {"width": int, "height": int, "type": str, "data": str}, read, write)


def _schema(
    name: str, fields: dict[str, type], read: Callable[[Any], Any], write: Callable[[Any], dict[str, Any]]
) -> Any:
    from pydantic_core import core_schema

    def validated(value: Any) -> Any:
        try:
            return read(value)
        except TypeError as error:
            raise ValueError(str(error)) from None  # pydantic reports ValueErrors, and lets TypeErrors through

    types = {str: core_schema.str_schema(), int: core_schema.int_schema()}
    json = core_schema.typed_dict_schema(
        {key: core_schema.typed_dict_field(types[kind]) for key, kind in fields.items()}, cls_name=name
    )
    validate = core_schema.no_info_plain_validator_function(validated)
    return core_schema.json_or_python_schema(
        json_schema=core_schema.chain_schema([json, validate]),
        python_schema=validate,
        serialization=core_schema.plain_serializer_function_ser_schema(write, return_schema=json),
    )


def _field(value: dict[str, Any], key: str) -> Any:
    if key not in value:
        there = ", ".join(map(str, value)) or "none"
        raise ValueError(f"{key}: expected among the fields of a frame, got {there}")
    return value[key]


def _encoded(data: memoryview) -> str:
    return base64.b64encode(data).decode()


def _decoded(data: Any) -> bytearray:
    try:
        return bytearray(base64.b64decode(data, validate=True))
    except binascii.Error as error:
        raise ValueError(f"data: expected base64, got text that is none: {error}") from None
