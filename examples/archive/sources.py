# SPDX-License-Identifier: MIT
"""What an archive holds: the videos and pictures of a folder, or of a list of paths and
URIs, and which of them an index folder has already."""
import collections
import json
import os
import re
import urllib.parse

import settings
import table

# By the ends of their names, as nothing is opened to list an archive.
VIDEOS = """3g2 3gp asf avi dv flv h264 h265 hevc ivf m1v m2ts m2v m4v mjpeg mjpg mkv mov
mp4 mpeg mpg mts mxf nut obu ogg ogm ogv qt rm ts vob webm wmv y4m""".split()
PICTURES = "bmp gif heic heif jp2 jpe jpeg jpg jxl pbm pgm png pnm ppm tif tiff webp".split()
# Pictures that have one file of rows together.
PICTURES_IN_BATCH = 1024

# name: absolute path or URI; size in bytes and mtime in ns: -1 of a URI.
Source = collections.namedtuple("Source", "name size mtime")


def is_uri(name):
    return re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", name) is not None


def ending(name):
    return os.path.splitext(urllib.parse.urlsplit(name).path if is_uri(name) else name)[
        1][1:].lower()


def resolved(name):
    """A URI, or an absolute path; file:// counts as the path it names."""
    if name[:7].lower() == "file://":
        name = os.fsdecode(urllib.parse.unquote_to_bytes(urllib.parse.urlsplit(name).path))
    return name if is_uri(name) else os.path.abspath(name)


def of_name(name):
    """A Source.  Raises OSError if it is missing, or no regular file."""
    name = resolved(name)
    if is_uri(name):
        return Source(name, -1, -1)
    return Source(name, *settings.file_state(name))


def walk(folder, unread):
    """unread: gets (folder, why) of each that cannot be read.  Those that are links are
    passed over."""
    def failed(error):
        unread.append((os.path.abspath(error.filename), error.strerror))

    for place, folders, names in os.walk(folder, onerror=failed):
        folders.sort()
        for name in sorted(names):
            if ending(name) in VIDEOS or ending(name) in PICTURES:
                yield os.path.join(place, name)


def names_of(archive, unread):
    """Of a folder all videos and pictures in it and below; of a video or picture itself;
    else of a text file its lines, empty ones and those with # in front passed over.
    unread: as of walk()."""
    if os.path.isdir(archive):
        yield from walk(archive, unread)
    elif is_uri(archive) or ending(archive) in VIDEOS + PICTURES:
        yield archive
    else:
        with open(archive, encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                line = line.rstrip("\n")
                if line.strip() and not line.startswith("#"):
                    yield line


def listing(archive):
    """(videos, pictures, missing): Sources, those of each once, and (name, why): folders that
    cannot be read, too."""
    videos, pictures, missing = {}, {}, []
    for name in names_of(archive, missing):
        try:
            source = of_name(name)
        except OSError as error:
            missing.append((resolved(name), error.strerror))
            continue
        (pictures if ending(source.name) in PICTURES else videos)[source.name] = source
    return list(videos.values()), list(pictures.values()), missing


def batch_stem(batch, expected):
    """After the folder and the first picture, and a digest of all: no other pictures, and
    not these with other settings, have a file of that name."""
    names = [source.name for source in batch]
    place = table.stem(os.path.dirname(names[0])).rsplit("-", 1)[0]
    return f"{place}-{table.stem(*names, json.dumps(expected, sort_keys=True))}"


def batches(pictures):
    """[Sources]: those of one folder together, at most PICTURES_IN_BATCH."""
    by_folder = collections.defaultdict(list)
    for source in pictures:
        by_folder[os.path.dirname(source.name)].append(source)
    for folder in sorted(by_folder):
        inside = sorted(by_folder[folder])
        for start in range(0, len(inside), PICTURES_IN_BATCH):
            yield inside[start:start + PICTURES_IN_BATCH]


def described(sources):
    """As a description has them."""
    return [[table.text(name), *rest] for name, *rest in sources]


def is_of(description, expected):
    return all(description.get(key) == value for key, value in expected.items())


def is_whole(folder, stem, sources, expected):
    """Whether the rows of `sources` are there, as `expected` (settings.expected())."""
    description = table.read_description(table.frames_path(folder, stem))
    if not description or not is_of(description, expected):
        return False
    if description["patches"] and not os.path.isdir(table.patches_path(folder, stem)):
        return False
    return description["sources"] == described(sources)


def picture_files(folder, expected):
    """{stem: (whether of these settings, {name: [size, mtime]})} of files of pictures."""
    found = {}
    for path in table.files(folder):
        description = table.read_description(path)
        if description and description.get("pictures"):
            found[table.stem_of(path)] = is_of(description, expected), {
                name: state for name, *state in description["sources"]}
    return found


def pictures_left(folder, pictures, expected):
    """(those without rows, outdated, spare).  outdated: [(stem, whether of these settings,
    Sources)], of files that are there the pictures whose rows are no longer right; spare:
    [(stem, names)], the rows that another file has, too, and rightly."""
    left = {table.text(source.name): source for source in pictures}
    files, right = picture_files(folder, expected), {}
    for stem, (same, held) in files.items():
        for name, state in held.items():
            if same and name in left and state == list(left[name][1:]):
                right[name] = stem
    for name in right:
        del left[name]
    outdated, spare = [], []
    for stem, (same, held) in files.items():
        again = [left.pop(name) for name in held if name in left]
        if again:
            outdated.append((stem, same, again))
        twice = {name for name in held if right.get(name, stem) != stem}
        if twice:
            spare.append((stem, twice))
    return list(left.values()), outdated, spare
