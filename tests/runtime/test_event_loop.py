"""LIVEKIT_UTILS_LOOP says which event loop the tests in real time use."""

from __future__ import annotations

import asyncio
import os


def test_asyncio_run_uses_the_loop_that_was_asked_for() -> None:
    async def main() -> str:
        return type(asyncio.get_running_loop()).__module__.partition(".")[0]

    assert asyncio.run(main()) == os.environ.get("LIVEKIT_UTILS_LOOP", "asyncio")
