#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Features of an archive of videos and pictures: a row a frame, in Parquet.

    index.py FOLDER|LIST --model MODEL --out DIR

FOLDER is searched for videos and pictures, with all folders in it; LIST is a text file
with a path or URI a line.  What DIR has already is left out, so the same command goes on
where it was stopped.  environment.sh makes the Python that this takes; table.py tells
what is written.

With --address the workers are those of a Ray cluster: the videos, the model, the plugin
and DIR lie under the same paths on all its machines."""
import argparse
import fcntl
import os
import signal
import sys
import time

import packages

packages.require("numpy", "pyarrow", "ray", "zarr")

import settings as settings_module  # noqa: E402
import sources  # noqa: E402
import table  # noqa: E402

# Seconds between two versions of errors.parquet.
ERRORS_OFTEN = 10


def read_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", metavar="FOLDER|LIST")
    parser.add_argument("--model", required=True, help="a file or folder, with its blocks")
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--every", default="1s", type=settings_module.nanoseconds,
                        help="time between frames that are looked at: 500ms, 1s, 2min;"
                        " 0: each frame; default: 1s")
    parser.add_argument("--what", default="embedding", type=settings_module.kinds,
                        help="of embedding, labels, patches, with a comma between")
    parser.add_argument("--max-tokens", type=int, default=0, metavar="N",
                        help="scale larger frames down to so many tokens")
    parser.add_argument("--precision", default="auto", choices=("auto", "f32", "int16"))
    parser.add_argument("--fit", default="crop", choices=("crop", "pad"))
    parser.add_argument("--embedding", default="auto", metavar="KIND",
                        choices=("auto", "class", "mean", "class-mean"),
                        help="as of vitencoder; default: auto, the model's own")
    parser.add_argument("--top", type=int, default=5, metavar="N", help="labels of a frame")
    parser.add_argument("--classes", metavar="FILE", help="classes told by words")
    parser.add_argument("--patch-type", default="float16", choices=("float16", "float32"))
    parser.add_argument("--address", metavar="ADDRESS",
                        help="of a Ray cluster, or auto; without it this machine works alone")
    parser.add_argument("--workers", type=at_least_one, metavar="N",
                        help="videos at a time; default: as many as there are cores for")
    parser.add_argument("--cores", type=at_least_one, default=1, metavar="N",
                        help="of each worker, its n-threads; default: 1")
    parser.add_argument("--slice", default="10min", metavar="TIME",
                        type=settings_module.nanoseconds,
                        help="longer videos are cut into slices for several workers;"
                        " 0: never; default: 10min")
    parser.add_argument("--patience", type=float, default=120, metavar="SECONDS",
                        help="without a frame, after which a video is given up; default: 120")
    return parser.parse_args()


def at_least_one(text):
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def settings_of(given):
    path = os.path.abspath
    return settings_module.Settings(
        model=path(given.model), every=given.every, what=given.what,
        max_tokens=given.max_tokens, precision=given.precision, fit=given.fit,
        embedding=given.embedding, top=given.top,
        classes=path(given.classes) if given.classes else None, patch_type=given.patch_type)


def lock(folder):
    """A file that is held as long as this runs: two would undo each other's work."""
    os.makedirs(table.frames_folder(folder), exist_ok=True)
    try:
        file = table.open_lock(folder)
    except OSError as error:
        sys.exit(f"{folder}: {error.strerror}: .lock")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(f"{folder}: another index.py is at work there")
    return file


def work_off(archive, tasks):
    """Until nothing is left to be done."""
    written = time.monotonic()
    while archive.todo or tasks:
        while archive.todo and len(tasks) < tasks.window:
            tasks.add(archive.todo.popleft())
        for key, result in tasks.wait(0.5):
            archive.take(key, result)
        archive.progress.show(list(tasks.progress().values()))
        if time.monotonic() - written > ERRORS_OFTEN:
            archive.write_errors()
            written = time.monotonic()


def run(archive, given):
    import engine

    engine.start(given.address, given.workers and given.workers * given.cores)
    try:
        room = engine.workers(given.cores)
        if not room:
            sys.exit(f"--cores {given.cores}: no machine has so many")
        count = given.workers or room
        print(f"{count} workers of {given.cores} cores, {engine.machines()} machines",
              file=sys.stderr)
        work_off(archive, engine.Tasks(count, given.cores))
    finally:
        engine.stop()
        archive.write_errors()
    archive.progress.show(last=True)
    print(f"{archive.core_seconds:.1f} seconds of a core", file=sys.stderr)


def main():
    given = read_arguments()
    try:
        import frames
        from archive import Archive, clear
    except ImportError as error:
        sys.exit(f"{sys.executable}: {error}")
    if not sources.is_uri(given.archive) and not os.access(given.archive, os.R_OK):
        sys.exit(f"{given.archive}: it is not there, or cannot be read")
    given.out = os.path.abspath(given.out)
    settings, held = settings_of(given), lock(given.out)
    try:
        model = frames.describe(settings)
        frames.forget()
    except frames.PipelineError as error:
        sys.exit(f"{settings.model}: {error.message}\n{error.debug}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    clear(given.out)
    archive = Archive(given.out, settings, model, given.cores, given.slice, given.patience)
    there = archive.plan(given.archive)
    print(f"{there} are there already, {archive.progress.total} to be done", file=sys.stderr)
    if archive.todo:
        run(archive, given)
    archive.write_errors()
    clear(given.out)
    held.close()
    if archive.errors:
        print(f"{len(archive.errors)} could not be indexed, see {table.errors_path(given.out)}",
              file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
