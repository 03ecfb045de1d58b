# SPDX-License-Identifier: MIT
"""Runs the work on Ray: on this machine, or on a cluster.

Ray's tasks, not Ray Data.  A video is one long piece of work that writes a file of its
own and says in a few words what came of it.  A task is that: if its process dies it is
run again, elsewhere if need be, and nothing of the videos passes through the object
store.  Ray Data is made for many small blocks that go from operator to operator through
that store; it names the files it writes itself and does not skip what is there already.

A driver gives out no more tasks than there are workers, and holds nothing but the list
of what is left."""
import os
import time

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
# What a worker's process takes over, each with absolute paths.
VARIABLES = ("GST_PLUGIN_PATH", "GST_PLUGIN_SYSTEM_PATH", "GST_PLUGIN_FEATURE_RANK",
             "GI_TYPELIB_PATH", "LD_LIBRARY_PATH", "GST_REGISTRY", "GST_REGISTRY_FORK")
# How often a task is run again whose process died.  It is counted here: Ray counts those
# apart that it killed as memory ran short, and runs them again without end.
RETRIES = 3
# Bytes of the object store on one machine, the least there is: nothing lies in it.
STORE = 80 << 20


def environment():
    """Of the workers: what this process has, as it lies in the same place everywhere."""
    found = {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}
    for name, value in found.items():
        if name.endswith("PATH"):
            found[name] = os.pathsep.join(map(os.path.abspath, value.split(os.pathsep)))
    # A library may divide its work too; the cores are given to the plugin.
    return dict(found, OMP_NUM_THREADS="1", PYTHONDONTWRITEBYTECODE="1")


def start(address, cores):
    """Joins the cluster at `address` ("auto": where this machine belongs to one), or
    starts Ray here with `cores` of them, None: all."""
    options = {"address": address} if address else {
        "address": "local", "num_cpus": cores, "include_dashboard": False,
        "object_store_memory": STORE}
    ray.init(logging_level="error", log_to_driver=False,
             runtime_env={"working_dir": HERE, "env_vars": environment(),
                          "excludes": ["__pycache__"]}, **options)


def stop():
    ray.shutdown()


def machines():
    return sum(node["Alive"] for node in ray.nodes())


def workers(cores):
    """How many of so many cores there is room for: each is on one machine."""
    return sum(int(node["Resources"].get("CPU", 0) // cores)
               for node in ray.nodes() if node["Alive"])


@ray.remote(num_cpus=0, max_restarts=-1)
class Board:
    """How far the tasks are that run now."""

    def __init__(self):
        self.reports = {}

    def set(self, key, rows, frames, size):
        self.reports[key] = (rows, frames, size)

    def take(self):
        found, self.reports = self.reports, {}
        return found


@ray.remote
def run(board, piece):
    import work

    more = {}
    if board is not None:
        more["report"] = lambda *numbers: board.set.remote(piece.key, *numbers)
    start = time.process_time()
    result = getattr(work, piece.name)(*piece.arguments, **more)
    return dict(result, core_seconds=time.process_time() - start)


class Tasks:
    """Pieces of work that run, no more than `window`.  Of each comes its key, and a
    result: work's dict, or (message, debug) where there is none."""

    def __init__(self, window, cores):
        self.window = window
        self._cores, self._running = cores, {}   # {reference: (Piece, times it was run)}
        self._board = Board.remote()
        self._asked, self._progress = None, {}

    def __len__(self):
        return len(self._running)

    def add(self, piece, before=0):
        """piece: an archive.Piece; before: how often it was run already."""
        task = run.options(num_cpus=self._cores, max_retries=0, name=piece.name)
        reference = task.remote(self._board if piece.reports else None, piece)
        self._running[reference] = piece, before + 1

    def wait(self, seconds):
        """[(key, result)] of those that ended, waiting for the first so long."""
        done, _ = ray.wait(list(self._running), num_returns=1, timeout=seconds)
        more, _ = ray.wait(list(self._running), num_returns=len(self._running), timeout=0)
        found = []
        for reference in {*done, *more}:
            piece, times = self._running.pop(reference)
            self._progress.pop(piece.key, None)
            try:
                found.append((piece.key, ray.get(reference)))
            except ray.exceptions.RayError as error:
                if times > RETRIES or isinstance(error, ray.exceptions.RayTaskError):
                    found.append((piece.key, said(error, times)))
                else:
                    self.add(piece, times)
        return found

    def progress(self):
        """{key: (rows, frames, bytes)} of those that run, as last heard; never waits."""
        if self._asked is None:
            self._asked = self._board.take.remote()
        elif ray.wait([self._asked], timeout=0)[0]:
            try:
                self._progress.update(ray.get(self._asked))
            except ray.exceptions.RayError:
                pass  # it is started again
            self._asked = None
        keys = {piece.key for piece, _ in self._running.values()}
        self._progress = {key: value for key, value in self._progress.items()
                          if key in keys}
        return self._progress


def said(error, times):
    """(message, debug) of what Ray tells of a task that gave no result; times: it was run."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    if isinstance(error, ray.exceptions.RayTaskError):
        return lines[-1], str(error)
    return f"its process died, {times} times: {type(error).__name__}", str(error)
