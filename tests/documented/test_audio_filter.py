"""The example of `AudioFilter`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.audio_filters import Plugin


def test_loading(tmp_path: Path) -> None:
    from livekit_utils import AudioFilter

    plugin = Plugin(tmp_path, "NEEDS_DEPENDENCY")

    filter = AudioFilter(
        module_id="my_filter",
        path=str(plugin.path),
        dependencies=[str(plugin.dependency)],
    )

    assert AudioFilter.get("my_filter") is filter
    filter.close()
    with pytest.raises(FileNotFoundError):
        AudioFilter("my_filter", "/path/to/filter.so", ["/path/to/dep1.so"])
