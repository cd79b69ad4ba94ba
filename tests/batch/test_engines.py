"""A corpus gives the same bytes on every engine, and its broken files are named."""

from __future__ import annotations

import itertools
import os
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from livekit_utils.batch import Job, Summary, convert_file, run_batch
from livekit_utils.batch.conversion import convert_files
from livekit_utils.files.growing_file import GrowingFile
from tests.support.corpus import jobs_for, lines, outputs, write_corpus
from tests.support.dask_cluster import dask_cluster

IS_SOAK = os.environ.get("LIVEKIT_UTILS_HYPOTHESIS") == "thorough"
NUM_FILES = 10_000 if IS_SOAK else 200

pytestmark = pytest.mark.filterwarnings("default")  # of Dask


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path], set[Path]]:
    folder = tmp_path_factory.mktemp("corpus")
    return folder, *write_corpus(folder, NUM_FILES)


@pytest.fixture(scope="module")
def expected(corpus: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What `convert_file` alone makes of it."""
    folder, paths, broken = corpus
    target = tmp_path_factory.mktemp("expected")
    for job, path in zip(jobs_for(paths, folder, target), paths, strict=True):
        result = convert_file(job)
        assert result.ok == (path not in broken), result
    return outputs(target)


@contextmanager
def dask_local() -> Iterator[Executor]:
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        yield client.get_executor()


@contextmanager
def dask_tcp(folder: Path) -> Iterator[Executor]:
    distributed = pytest.importorskip("distributed")
    with dask_cluster(folder) as cluster, distributed.Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        yield client.get_executor()


@pytest.mark.parametrize("engine", ["one", "two", "threads", "pool", "dask local", "dask tcp"])
def test_all_engines_give_the_same_bytes(
    corpus: tuple[Path, list[Path], set[Path]], expected: dict[str, bytes], tmp_path: Path, engine: str
) -> None:
    folder, paths, broken = corpus
    target = tmp_path / "out"
    with ExitStack() as stack:
        executor: Executor | None = None
        if engine == "threads":
            executor = stack.enter_context(ThreadPoolExecutor(2))
        elif engine == "pool":
            executor = stack.enter_context(ProcessPoolExecutor(2, mp_context=get_context("spawn")))
        elif engine == "dask local":
            executor = stack.enter_context(dask_local())
        elif engine == "dask tcp":
            executor = stack.enter_context(dask_tcp(tmp_path / "dask"))
        num_workers = {"one": 1, "two": 2}.get(engine)
        summary = run_batch(
            jobs_for(paths, folder, target),
            executor=executor,
            manifest=target / "manifest.jsonl",
            num_workers=num_workers,
        )
    check(summary, target, paths, broken)
    assert outputs(target) == expected


def check(summary: Summary, target: Path, paths: list[Path], broken: set[Path]) -> None:
    """All good files are done, all bad ones are named, and nothing else is there."""
    assert (summary.num_done, summary.num_failed) == (len(paths) - len(broken), len(broken))
    written = {line["input"]: line for line in lines(target)}
    assert set(written) == set(map(str, paths))
    for path in map(str, paths):
        assert written[path]["ok"] == (Path(path) not in broken)
        assert path in (written[path]["error"] or path)
    left = {path.name for path in target.iterdir()} - {"manifest.jsonl"}
    assert all(name.isdigit() for name in left)
    assert not list(target.rglob(".*"))


def test_a_file_is_converted_while_another_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk takes a file only when it has got a second one. What fails keeps its place."""
    paths, broken = write_corpus(tmp_path / "in", 6, broken_every=6)
    jobs = jobs_for(paths, tmp_path / "in", tmp_path / "out")
    one_by_one = [convert_file(job) for job in jobs]
    two, sync, num_synced = threading.Barrier(2), GrowingFile.sync, itertools.count()

    def sync_two(file: GrowingFile) -> None:
        if next(num_synced) < 4:
            two.wait(60)
        sync(file)

    monkeypatch.setattr(GrowingFile, "sync", sync_two)
    results = convert_files(jobs)
    assert [result.input for result in results if not result.ok] == [str(path) for path in broken]
    for field in ("ok", "input", "output", "sha256", "key", "error"):
        assert [getattr(result, field) for result in results] == [getattr(result, field) for result in one_by_one]
    assert not list((tmp_path / "out").rglob(".*"))


def test_a_job_and_its_result_go_through_a_pickle(tmp_path: Path) -> None:
    job = Job(["a.wav", "b\udcff\n.wav"], tmp_path / "c.opus", normalize="-16LUFS", length="first")
    assert pickle.loads(pickle.dumps(job)) == job
    result = convert_file(job)
    assert not result.ok
    assert pickle.loads(pickle.dumps(result)) == result
