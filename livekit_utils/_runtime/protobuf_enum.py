"""Gives an enum the methods that protobuf's enums have, which the LiveKit SDK's are."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self, SupportsIndex


class ProtobufEnum:
    """Put it before `IntEnum` among the bases. The methods and their errors are those of protobuf's EnumTypeWrapper;
    the values are members of the enum, which are ints."""

    # Not in the enum's own body, where it would be a member.
    ValueType = int

    if TYPE_CHECKING:
        __members__: Mapping[str, Self]

        def __index__(self) -> int: ...

    @classmethod
    def Name(cls, number: SupportsIndex) -> str:
        """Returns the name of a value.

        Raises:
            ValueError: There is no such value.
            TypeError: The value is no int.
        """
        if hasattr(number, "__index__"):
            for name, value in cls.__members__.items():
                if operator.index(value) == operator.index(number):
                    return name
        if not isinstance(number, int):
            raise TypeError(f"Enum value for {cls.__name__} must be an int, but got {type(number)} {number!r}.")
        raise ValueError(f"Enum {cls.__name__} has no name defined for value {number!r}")

    @classmethod
    def Value(cls, name: str) -> Self:
        """Returns the value of a name.

        Raises:
            ValueError: There is no such name.
        """
        for known, value in cls.items():
            if known == name:
                return value
        raise ValueError(f"Enum {cls.__name__} has no value defined for name {name!r}")

    @classmethod
    def keys(cls) -> list[str]:
        """Returns the names, in order."""
        return list(cls.__members__)

    @classmethod
    def values(cls) -> list[Self]:
        """Returns the values, in order."""
        return list(cls.__members__.values())

    @classmethod
    def items(cls) -> list[tuple[str, Self]]:
        """Returns the names with their values, in order."""
        return list(cls.__members__.items())
