"""What plugins are told, as JSON."""

from __future__ import annotations

import json
from typing import Any


def plugin_json(value: object, what: str) -> str:
    """Compact JSON that UTF-8 can express.

    Raises:
        TypeError: Something in it is of a type that JSON does not have.
        ValueError: A NaN, an infinity, half a surrogate pair, a circle, or too deep a nesting.
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        text.encode("utf-8")
    except TypeError as error:
        raise TypeError(f"expected {what} that JSON can express: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"expected {what} that JSON can express: {error}") from None
    return text


def options_json(options: dict[str, Any] | None) -> str:
    if options is not None and not isinstance(options, dict):
        raise TypeError(f"expected options as a dict, got {type(options).__name__}")
    return plugin_json(options or {}, "options")


def credentials_json(url: str, token: str) -> str:
    return plugin_json({"url": url, "token": token}, "credentials")
