"""A scheduler of Dask and two workers, processes on loopback, as on a cluster."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cluster:
    address: str
    scheduler_file: Path


@contextlib.contextmanager
def dask_cluster(folder: Path, num_workers: int = 2, **settings: str) -> Iterator[Cluster]:
    """Starts them, with settings as environment variables, and ends them."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "scheduler.json"
    common = ["--scheduler-file", str(file)]
    commands = [["dask_scheduler", *common, "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]]
    worker = ["dask_worker", *common, "--nthreads", "1", "--no-dashboard", "--local-directory", str(folder)]
    commands += [[*worker, "--name", f"w{number}", "--host", "127.0.0.1"] for number in range(num_workers)]
    processes = []
    with (folder / "log").open("wb") as log:
        try:
            for command, *arguments in commands:
                # What this process can import, the workers can.
                environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **settings}
                code = [sys.executable, "-m", f"distributed.cli.{command}", *arguments]
                processes.append(
                    subprocess.Popen(code, stdout=log, stderr=log, cwd=folder, env=environment, start_new_session=True)
                )
            deadline = time.monotonic() + 60
            while not _is_written(file):
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.05)
            yield Cluster(json.loads(file.read_text())["address"], file)
        finally:
            for process in processes:
                # All that it has started too; nobody has to be told.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _is_written(file: Path) -> bool:
    try:
        return bool(json.loads(file.read_text())["address"])
    except (OSError, ValueError):
        return False
