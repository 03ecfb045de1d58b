#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rooms of src/ and plugin/ are used in one order: an include names a room
that its own may use, and every file lies in a room.  TAP on standard output.

    test_rooms.py SOURCE_ROOT"""
import os
import re
import sys

# What a room may include besides itself.
SRC = {
    "base": [],
    "files": ["base"],
    "kernel": [],
    "model": ["base", "files"],
    "patch": ["base", "files", "model", "kernel"],
    "encoder": ["base", "files", "model", "kernel"],
    "view": ["base"],
}
# Of src/ a room of plugin/ may use any; of plugin/ these.  No element includes
# another's.
LIBRARY = "gst-libs/gst/vit"
PLUGIN = {
    LIBRARY: [],
    "common": [LIBRARY],
    "patchembed": ["common", LIBRARY],
    "encoder": ["common", LIBRARY],
    "tokenenc": ["common", LIBRARY],
    "tokenoverlay": ["common", LIBRARY],
    "module": ["patchembed", "encoder", "tokenenc", "tokenoverlay", LIBRARY],
}
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<((?:gst/vit/)[^>]+)>)', re.MULTILINE)


def sources(root, house):
    for folder, _, names in os.walk(os.path.join(root, house)):
        for name in sorted(names):
            if name.endswith((".c", ".h", ".inc")):
                yield os.path.relpath(os.path.join(folder, name), os.path.join(root, house))


def room_of(path, rooms):
    found = [room for room in rooms if path.startswith(room + "/")]
    return max(found, key=len) if found else None


def includes(root, house, path):
    with open(os.path.join(root, house, path), encoding="utf-8") as file:
        for quoted, angled in INCLUDE.findall(file.read()):
            yield quoted or angled


def target_of(root, name):
    """(house, path within it) of what is included, or None."""
    for house, folder in (("src", ""), ("plugin", ""), ("plugin", "gst-libs")):
        path = os.path.join(folder, name)
        if os.path.exists(os.path.join(root, house, path)):
            return house, path
    return None


def check_file(root, house, rooms, path):
    """What is wrong with the includes of one file."""
    room = room_of(path, rooms)
    if not room:
        yield f"{house}/{path} lies in no room"
        return
    for name in includes(root, house, path):
        target = target_of(root, name)
        where = f'{house}/{path}: "{name}"'
        if not target:
            yield f"{where} is nowhere under src/ or plugin/"
        elif target[0] == house:
            used = room_of(target[1], rooms)
            if used != room and used not in rooms[room]:
                yield f"{where}: {room} may not use {used}"
        elif house == "src":
            yield f"{where}: src/ knows no GStreamer"
        elif room == LIBRARY:
            yield f"{where}: the metadata library stands by itself"


def check_house(root, house, rooms):
    count = 0
    wrong = []
    for path in sources(root, house):
        count += 1
        wrong += check_file(root, house, rooms, path)
    if count < 50:
        wrong.append(f"only {count} files were looked at")
    return wrong


def check_gstreamer(root):
    """src/ includes no header of GStreamer, not even by <>."""
    for path in sources(root, "src"):
        with open(os.path.join(root, "src", path), encoding="utf-8") as file:
            if re.search(r"#\s*include\s+[<\"]gst/", file.read()):
                yield f"src/{path} includes GStreamer"


def report(name, wrong):
    print("not ok" if wrong else "ok", "-", name)
    for line in wrong:
        print("#", line)
    return not wrong


def main():
    root = sys.argv[1]
    print("1..3")
    good = [
        report("rooms of src/ use only those before them", check_house(root, "src", SRC)),
        report("rooms of plugin/ likewise", check_house(root, "plugin", PLUGIN)),
        report("src/ knows no GStreamer", list(check_gstreamer(root))),
    ]
    return not all(good)


if __name__ == "__main__":
    sys.exit(main())
