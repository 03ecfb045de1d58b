#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Searches an index folder that index.py wrote.

    search.py DIR --image FILE               frames like a picture
    search.py DIR --video FILE --at TIME     like a frame of a video
    search.py DIR --text WORDS               like words, of a CLIP, SigLIP or the like
    search.py DIR --vector FILE.npy          near a vector of the model
    search.py DIR --duplicates               near-equal videos, stretches and pictures

The nearest frames by cosine, neighbours in time merged into one hit: its best frame, and
the stretch of those that are nearly as near.  With --html a page of them, too.

Up to a million rows each is looked at.  Above that, and where --build-index made it, an
index in DIR/index tells in which files to look; it is kept up to date.  --exact does
without it."""
import argparse
import math
import os
import sys

import packages

packages.require("numpy", "pyarrow")

import names  # noqa: E402
import settings  # noqa: E402
from vectors import Refused, Vectors  # noqa: E402

MILLION = 10**6
# A stretch's frames are at most so much below its best: texts lie far from all pictures,
# and their cosines near to each other.
WITHIN, WITHIN_OF_TEXT = 0.1, 0.03


def cosine(text):
    value = float(text)
    if not -1 <= value <= 1:
        raise ValueError
    return value


def read_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--image", metavar="FILE", help="a picture, or its URI")
    what.add_argument("--video", metavar="FILE", help="a video, or its URI")
    what.add_argument("--vector", metavar="FILE.npy", help="[dim], as numpy.save() writes it")
    what.add_argument("--text", metavar="WORDS")
    what.add_argument("--duplicates", action="store_true")
    what.add_argument("--build-index", action="store_true")
    add_search(parser.add_argument_group("search"))
    add_duplicates(parser.add_argument_group("duplicates"))
    given = parser.parse_args()
    if given.at and not given.video:
        parser.error("--at is a time in a --video")
    if given.n < 1:
        parser.error("--n is at least 1")
    if given.html:
        check_place(parser, given.html)
    if "{}" not in given.template:
        parser.error("--template has no {} for the words")
    return given


def check_place(parser, path):
    """Before all the work: whether a file can be written there."""
    folder = os.path.dirname(path) or os.curdir
    if os.path.isdir(path):
        parser.error(f"--html {path}: is a folder; give the name of a file")
    if not os.path.isdir(folder):
        parser.error(f"--html {path}: there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        parser.error(f"--html {path}: {folder} cannot be written to")


def add_search(group):
    group.add_argument("--at", metavar="TIME", type=names.moment,
                       help="in the video: 83.5, 1:23.5, 90s; default: its first frame")
    group.add_argument("--n", type=int, default=20, metavar="N", help="hits; default: 20")
    group.add_argument("--merge", default="5s", type=settings.nanoseconds, metavar="TIME",
                       help="frames no further apart are neighbours; default: 5s")
    group.add_argument("--within", type=float, metavar="C",
                       help="how far below the best cosine a stretch's may be; default: "
                       f"{WITHIN}, of words {WITHIN_OF_TEXT}")
    group.add_argument("--least", type=cosine, default=-math.inf, metavar="C",
                       help="no hit below this cosine")
    group.add_argument("--html", metavar="PAGE.html", help="write a page with thumbnails")
    group.add_argument("--model", metavar="MODEL",
                       help="where the index's model is, if not where it was")
    group.add_argument("--template", default="{}", metavar="TEXT",
                       help='a sentence for the words: "a photo of a {}"')
    group.add_argument("--exact", action="store_true", help="look at every row")


def add_duplicates(group):
    group.add_argument("--same", type=cosine, default=0.97, metavar="C",
                       help="frames match from this cosine on; default: 0.97")
    group.add_argument("--length", default="5s", type=settings.nanoseconds, metavar="TIME",
                       help="a stretch is no shorter; default: 5s")
    group.add_argument("--gap", type=int, default=1, metavar="N",
                       help="frames in a stretch that may not match; default: 1")
    group.add_argument("--step", type=settings.nanoseconds, metavar="TIME",
                       help="compare a frame in each; default: as the index was made")
    group.add_argument("--whole", type=float, default=0.9, metavar="SHARE",
                       help="near-equal videos share so much of each; default: 0.9")


class Progress:
    """On a terminal alone."""

    def __init__(self, what):
        self._what, self._shown = what, None

    def __call__(self, done, total):
        text = f"{self._what}: {100 * done // max(total, 1)} %"
        if sys.stderr.isatty() and text != self._shown:
            self._shown = text
            print(f"\r{text}", end="\x1b[K" + "\n" * (done == total), file=sys.stderr, flush=True)


def query_of(given, vectors):
    """(vector, what it is of in words, (name, time) of a frame or None)."""
    if given.vector:
        import query
        return query.of_file(given.vector, vectors), f"Like {given.vector}", None
    if given.text is not None:
        import words
        return (words.of_text(given.text, vectors, given.model, given.template),
                f"“{given.text}”", None)
    import query
    name = given.image or given.video
    vector, time = query.of_frame(name, given.at, vectors, given.model)
    at = f" at {names.position(time)}" if given.video and time is not None else ""
    return vector, f"Like {name}{at}", (name, time if given.video else None)


def write_html(given, title, about, entries, source):
    import page
    import results
    import thumbnails

    wanted = [(entry.name, entry.time) for entry in entries] + ([source] if source else [])
    made = [one if isinstance(one, bytes) else one.message for one in thumbnails.of(wanted)]
    entries = [entry._replace(thumbnail=one) for entry, one in zip(entries, made)]
    picture = made[-1] if source and isinstance(made[-1], bytes) else None
    try:
        results.write_page(given.html, page.render(title, about, entries, picture))
    except OSError as error:
        sys.exit(f"the page cannot be written: {error}")


def search(given, vectors):
    import approximate
    import nearest
    import results

    vector, title, source = query_of(given, vectors)
    vector = nearest.direction(vector)
    within = given.within
    if within is None:
        within = WITHIN if given.text is None else WITHIN_OF_TEXT
    rules = nearest.Rules(given.n, given.merge, within, given.least)
    numbers = None
    if not given.exact and (vectors.rows > MILLION or approximate.described(given.folder)):
        index = approximate.Index.current(vectors, Progress("index"))
        numbers = index.parts_near(vector, given.n)
    progress = Progress("search")
    total = sum(vectors.parts[i].rows for i in numbers) if numbers else vectors.rows
    hits = nearest.search(vectors, vector, rules, numbers, lambda rows: progress(rows, total))
    entries = results.entries(vectors, hits)
    for line in results.hit_lines(entries):
        print(line)
    if given.html:
        about = (f"{len(entries)} hits in {vectors.rows} frames and pictures of "
                 f"{len(vectors.parts)} files, by {vectors.model_id}")
        write_html(given, title, about, entries, source)


def find_duplicates(given, vectors):
    import duplicates
    import results
    import sequences

    rules = duplicates.Rules(given.same, given.gap, given.length, given.whole)
    step = given.step or sequences.usual_step(vectors)
    found = list(duplicates.stretches(vectors, step, rules, Progress("videos")))
    pictures = duplicates.equal_pictures(vectors, given.same, Progress("pictures"))
    parts = [
        results.whole_lines(vectors, found, duplicates.Groups(len(vectors.parts))),
        results.stretch_lines(vectors, found), results.picture_lines(vectors, pictures)]
    lines = [line for part in parts for line in part]
    for line in lines or ["nothing is there twice"]:
        print(line)


def main():
    given = read_arguments()
    try:
        vectors = Vectors(given.folder, Progress("files"))
        if given.duplicates:
            find_duplicates(given, vectors)
        elif given.build_index:
            import approximate
            approximate.Index.current(vectors, Progress("index"))
        else:
            search(given, vectors)
    except (Refused, ImportError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
