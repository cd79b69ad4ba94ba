from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")

def call_flushed(function: Callable[..., _T], *args: object) -> _T: ...
