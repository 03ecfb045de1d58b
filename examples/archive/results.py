# SPDX-License-Identifier: MIT
"""What was found, as tables on the terminal, and as the entries of a page."""
import os

import names
import page
import table

COLUMNS = ("video", "stream_time", "pts", "labels")


def entries(vectors, hits):
    """page.Entry of each Hit, without thumbnails."""
    found = []
    for hit in hits:
        part = vectors.parts[hit.part]
        row, = vectors.take(part, [hit.row], list(COLUMNS)).to_pylist()
        time = row["stream_time"] if row["stream_time"] is not None else row["pts"]
        first, last = (None if end < 0 else end for end in (hit.first, hit.last))
        # A stranger's may be null.
        labels = [(label["label"] or "", label["score"] or 0) for label in row["labels"] or ()
                  if label]
        found.append(page.Entry(
            row["video"] or "", time, first, last, hit.score, labels, None))
    return found


def video_name(vectors, part, row=0):
    found, = vectors.take(vectors.parts[part], [row], ["video"])["video"].to_pylist()
    return found or ""


def columns(rows, right=()):
    """Rows of texts as lines, each column as wide as it must be; right: columns that
    stand to the right of theirs."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        yield "  ".join(cell.rjust(width) if i in right else cell.ljust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))).rstrip()


def span(first, last):
    return f"{names.position(first)} - {names.position(last)}"


def hit_lines(found):
    """found: entries."""
    rows = [("", "cosine", "time", "stretch", "video", "labels")]
    for number, entry in enumerate(found, 1):
        stretch = "" if entry.first is None else span(entry.first, entry.last)
        labels = ", ".join(f"{names.shown(label)} {score:.2f}" for label, score in entry.labels)
        rows.append((str(number), f"{entry.score:.4f}",
                     "" if entry.time is None else names.position(entry.time), stretch,
                     names.shown(entry.name), labels))
    return columns(rows, right=(0, 1, 2))


def whole_lines(vectors, stretches, groups):
    """Near-equal videos, a group a paragraph.  groups: duplicates.Groups of files."""
    whole = [one for one in stretches if one.is_whole]
    for one in whole:
        groups.connect([one.first], [one.second])
    for group in groups.all():
        least = min(one.score for one in whole if one.first in group and one.second in group)
        yield f"{len(group)} near-equal videos, cosine {least:.4f} and more"
        for part in group:
            yield "  " + names.shown(video_name(vectors, part))


def stretch_lines(vectors, stretches):
    rows = [("cosine", "length", "from - to", "video", "from - to", "video")]
    for one in sorted(stretches, key=lambda one: (-one.length, -one.score)):
        if not one.is_whole:
            rows.append((f"{one.score:.4f}", names.position(one.length),
                         span(one.start, one.start + one.length),
                         names.shown(video_name(vectors, one.first)),
                         span(one.other_start, one.other_start + one.length),
                         names.shown(video_name(vectors, one.second))))
    return columns(rows, right=(0, 1)) if len(rows) > 1 else ()


def picture_lines(vectors, groups):
    for group in groups:
        yield f"{len(group)} near-equal pictures"
        for part, row in group:
            yield "  " + names.shown(video_name(vectors, part, row))


def write_page(path, text):
    """Whole, or not at all."""
    part = table.aside(path)
    with open(part, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(part, path)
