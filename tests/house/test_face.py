"""The public names: where they are imported from, what they call themselves, and what a pickle says of them."""

from __future__ import annotations

import ast
import copy
import dataclasses
import enum
import importlib
import importlib.metadata
import inspect
import os
import pickle
import pickletools
import pkgutil
import pydoc
import re
import shutil
import subprocess
import sys
import traceback
import typing
from pathlib import Path
from typing import Any

import pytest

import livekit_utils
import livekit_utils.rtc
from livekit_utils._runtime.install import DISTRIBUTION
from livekit_utils.rtc._names import SUBMODULES
from tests.support.paths import SOURCE

PACKAGE = str(Path(livekit_utils.__file__).parent)
NAMES = livekit_utils.__all__
ITEMS = {name: getattr(livekit_utils, name) for name in NAMES}
# Numbers call themselves nothing.
NAMED = {name: item for name, item in ITEMS.items() if callable(item)}
CLASSES = {name: item for name, item in NAMED.items() if isinstance(item, type)}
# Python itself pickles dataclasses with slots from protocol 2 on; test_audio_frame_copies is about 0 and 1.
PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)


def run(code: str, **options: Any) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(
        command, **{"check": True, "capture_output": True, "text": True, "env": environment, **options}
    ).stdout


# -- paths ----------------------------------------------------------------------------------------------------------


def test_no_name_is_in_the_table_twice() -> None:
    names = [name for names in livekit_utils._PUBLIC.values() for name in names]
    assert sorted(names) == NAMES


def test_every_name_has_each_of_its_paths() -> None:
    assert {*NAMES} <= {*livekit_utils.rtc.__all__}
    for name, item in ITEMS.items():
        assert getattr(livekit_utils.rtc, name) is item
        assert name in dir(livekit_utils)
        assert name in dir(livekit_utils.rtc)
    for submodule, names in SUBMODULES.items():
        for name in names:
            assert getattr(importlib.import_module(f"livekit_utils.rtc.{submodule}"), name) is ITEMS[name]


@pytest.mark.parametrize("path", ["livekit_utils", "livekit_utils.rtc"])
def test_a_star_imports_every_name(path: str) -> None:
    code = f"before = {{*dir()}}\nfrom {path} import *\nprint(*sorted({{*dir()}} - before - {{'before'}}))"
    names = run(f"import sys\nsys.modules['livekit'] = None\n{code}")
    assert names.split() == NAMES


@pytest.mark.parametrize("path", ["livekit_utils", "livekit_utils.rtc"])
def test_the_defaults_of_devices_cost_nothing(path: str) -> None:
    code = f"""
import sys
from {path} import BLOCKSIZE, DEFAULT_CHANNELS, DEFAULT_SAMPLE_RATE, FRAME_SAMPLES
print(DEFAULT_SAMPLE_RATE, DEFAULT_CHANNELS, BLOCKSIZE, FRAME_SAMPLES)
print(*{{"asyncio", "numpy", "pyaudio", "livekit_utils.frames.audio_frame"}} & {{*sys.modules}})
"""
    assert run(code) == "48000 1 2400 480\n\n"


def test_names_that_are_not_there() -> None:
    for module in (livekit_utils, livekit_utils.rtc):
        with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'AudioMixr'"):
            module.AudioMixr  # noqa: B018


def test_the_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", livekit_utils.__version__)
    assert importlib.metadata.version(DISTRIBUTION) == livekit_utils.__version__


WORKFLOW = SOURCE / ".github" / "workflows" / "release.yml"


@pytest.mark.skipif(not WORKFLOW.exists(), reason="the source is not here")
def test_a_release_reads_the_version_from_the_source() -> None:
    (code,) = re.findall(r"version=\$\(python -c '(.*)'\)", WORKFLOW.read_text())
    assert run(code, cwd=SOURCE) == f"{livekit_utils.__version__}\n"


@pytest.mark.skipif(not (SOURCE / "tools" / "face.py").exists(), reason="the source is not here")
def test_the_stubs_are_those_of_the_table() -> None:
    command = [sys.executable, SOURCE / "tools" / "face.py", "--check"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("statement", ["from livekit_utils import {}", "from livekit_utils.rtc import {}"])
def test_source_that_is_not_compiled_says_so(tmp_path: Path, statement: str) -> None:
    shutil.copytree(
        Path(livekit_utils.__file__).parent,
        tmp_path / "livekit_utils",
        ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"),
    )
    environment = {**os.environ, "PYTHONPATH": ""}
    run(statement.format("__version__" if "rtc" not in statement else "BLOCKSIZE"), cwd=tmp_path, env=environment)
    for name in ("AudioFrame", "AudioMixer", "RingBuffer"):
        with pytest.raises(subprocess.CalledProcessError) as caught:
            run(statement.format(name), cwd=tmp_path, env=environment)
        last = caught.value.stderr.splitlines()[-1]
        assert last.startswith("ImportError: livekit_utils.")
        assert last.endswith(
            f"is not there: {tmp_path / 'livekit_utils'} looks like the source, which is not compiled. "
            "Run Python from another directory, or `make develop` here."
        )


# -- what the names call themselves -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMED)
def test_a_name_shows_its_public_path(name: str) -> None:
    item = NAMED[name]
    assert (item.__module__, item.__qualname__, item.__name__) == ("livekit_utils", name, name)
    assert pydoc.render_doc(item).splitlines()[0].endswith(" in module livekit_utils")
    if isinstance(item, type):
        assert repr(item) == f"<{'enum' if issubclass(item, enum.Enum) else 'class'} " + (
            f"{name!r}>" if issubclass(item, enum.Enum) else f"'livekit_utils.{name}'>"
        )


def test_it_does_so_whichever_way_it_is_reached() -> None:
    code = """
import importlib
import livekit_utils
for name, home in livekit_utils._HOMES.items():
    item = vars(importlib.import_module("livekit_utils." + home))[name]
    assert name not in vars(livekit_utils)
    assert not callable(item) or item.__module__ == "livekit_utils", name
    assert getattr(livekit_utils, name) is item
"""
    run(code)


def test_nothing_else_claims_to_be_public() -> None:
    pytest.importorskip("click")
    for info in pkgutil.walk_packages(livekit_utils.__path__, "livekit_utils."):
        if info.name == "livekit_utils.__main__":
            continue
        for item in vars(importlib.import_module(info.name)).values():
            if callable(item) and getattr(item, "__module__", None) == "livekit_utils":
                assert item in (NAMED.get(item.__name__), livekit_utils.__getattr__, livekit_utils.__dir__)


@pytest.mark.parametrize("name", [name for name, item in CLASSES.items() if issubclass(item, Exception)])
def test_a_traceback_names_the_public_path(name: str) -> None:
    assert traceback.format_exception_only(CLASSES[name]("message")) == [f"livekit_utils.{name}: message\n"]


@pytest.mark.parametrize("name", CLASSES)
def test_types_and_source_are_found(name: str) -> None:
    hints = typing.get_type_hints(CLASSES[name])
    assert {*inspect.get_annotations(CLASSES[name])} <= {*hints}
    methods = [item for item in vars(CLASSES[name]).values() if inspect.isfunction(item)]
    for method in methods:
        if method.__code__.co_filename.startswith(PACKAGE):  # dataclasses and named tuples make others
            assert f"def {method.__name__}" in inspect.getsource(method)


def test_every_signature_is_found() -> None:
    """Of compiled classes and functions too; what an enum or an exception inherits from Python is Python's affair."""
    found = 0
    for name, item in NAMED.items():
        methods = {}
        if isinstance(item, type):
            methods = {
                f"{name}.{method}": getattr(item, method)
                for method in dir(item)
                if not method.startswith("_") and not any(method in vars(kind) for kind in (str, int, BaseException))
            }
        for path, function in {name: item, **methods}.items():
            if callable(function):
                assert inspect.signature(function), path
                found += 1
    assert found > 120


def test_the_signatures_of_compiled_classes_are_those_of_their_stubs() -> None:
    for name in ("AudioFrame", "RingBuffer"):
        (home,) = [module for module, names in livekit_utils._PUBLIC.items() if name in names]
        stub = ast.parse((Path(PACKAGE) / f"{home.replace('.', '/')}.pyi").read_text("utf-8"))
        (kind,) = [node for node in stub.body if isinstance(node, ast.ClassDef) and node.name == name]
        (init,) = [node for node in kind.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
        arguments = [argument.arg for argument in (*init.args.args, *init.args.kwonlyargs)]
        assert ["self", *inspect.signature(CLASSES[name]).parameters] == arguments
        assert not inspect.getdoc(CLASSES[name]).startswith(name)  # type: ignore[union-attr]


def test_the_types_of_fields_are_found_without_the_other_public_names() -> None:
    code = """
from typing import get_type_hints
from livekit_utils import AudioMixerStats
assert get_type_hints(AudioMixerStats)["streams"].__args__[1].__name__ == "AudioMixerStreamStats"
"""
    run(code)


# -- pickles ----------------------------------------------------------------------------------------------------------


def values_of(item: type) -> list[Any]:
    """Instances of a class that holds values; none of one that does things."""
    if issubclass(item, enum.Enum):
        return list(item)
    if item is livekit_utils.AudioFrame:
        own = livekit_utils.AudioFrame(bytearray(b"\1\0\2\0"), 48000, 2, 1, userdata={"speaker": ["a"]})
        return [livekit_utils.AudioFrame(b"\1\0\2\0", 48000, 1, 2), own]
    if item is livekit_utils.VideoFrame:
        return [livekit_utils.VideoFrame(1, 1, livekit_utils.VideoBufferType.RGBA, bytes(4))]
    if item is livekit_utils.DeviceError:
        return [livekit_utils.DeviceError("message", code=-9996, device="mic")]
    if issubclass(item, Exception):
        return [item("message")]
    if dataclasses.is_dataclass(item):
        return [item(**{field.name: example_of(item, field.name) for field in dataclasses.fields(item)})]
    if hasattr(item, "_fields"):
        return [item(*[example_of(item, name) for name in item._fields])]
    return []


def example_of(item: type, field: str) -> Any:
    kind = typing.get_type_hints(item)[field]
    if isinstance(kind, type) and (values := values_of(kind)):
        return values[0]
    arguments = typing.get_args(kind)
    if kind is Any or kind is object:
        return None
    if typing.get_origin(kind) is dict:
        return {"key": (values_of(arguments[1]) or ["value"])[0] if isinstance(arguments[1], type) else "value"}
    if typing.get_origin(kind) is typing.Literal:
        return arguments[0]
    if arguments and dataclasses.is_dataclass(arguments[0]):
        return values_of(arguments[0])[0]
    if arguments and issubclass(arguments[0], Exception):
        return None  # errors are equal to nothing but themselves
    return (arguments[0] if arguments else kind)()


VALUES = [(name, value) for name, item in CLASSES.items() for value in values_of(item)]
PICKLED = [*VALUES, *NAMED.items()]


def described(value: Any) -> Any:
    """All that there is to compare of a value."""
    if isinstance(value, livekit_utils.AudioFrame):
        return repr(value), value.data.tolist(), value.userdata
    if isinstance(value, livekit_utils.VideoFrame):
        return repr(value), bytes(value.data)
    if isinstance(value, Exception):
        return type(value), value.args, vars(value)
    if isinstance(value, livekit_utils.AudioFrameEvent | livekit_utils.VideoFrameEvent):
        return [described(getattr(value, field.name)) for field in dataclasses.fields(value)]
    return value


def test_every_class_of_values_is_tried() -> None:
    tried = {name for name, _ in VALUES}
    assert {name for name in CLASSES if name.endswith(("Stats", "Event", "Error", "State", "Info", "Options"))} <= tried
    assert {"AudioFrame", "VideoFrame", "DeviceStateChange", "VideoRotation", "LatePolicy", "TrackKind"} <= tried


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_pickle_names_public_paths_only(protocol: int) -> None:
    for name, value in PICKLED:
        stream = pickle.dumps(value, protocol)
        said = [argument for _, argument, _ in pickletools.genops(stream) if isinstance(argument, str)]
        ours = {text for text in said if "livekit_utils" in text}
        assert ours, name
        # Up to protocol 3 the module and the name are one text with a blank, then two.
        assert {text.partition(" ")[0] for text in ours} == {"livekit_utils"}, name
        assert described(pickle.loads(stream)) == described(value), name


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_pickles_load_in_another_process(tmp_path: Path, protocol: int) -> None:
    with (tmp_path / "pickles").open("wb") as file:
        for _, value in PICKLED:
            pickle.dump(value, file, protocol)
    code = f"""
import pickle
with open({str(tmp_path / "pickles")!r}, "rb") as file:
    for _ in range({len(PICKLED)}):
        print(type(pickle.load(file)).__name__)
"""
    assert run(code).split() == [type(value).__name__ for _, value in PICKLED]


@pytest.mark.parametrize("function", [copy.copy, copy.deepcopy])
def test_copies(function: Any) -> None:
    for _, value in PICKLED:
        again = function(value)
        assert type(again) is type(value)
        assert described(again) == described(value)
