#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The page of examples/archive/search.py in a browser: every thumbnail is decoded, and what
stands on the screen in its place is that picture.  TAP on standard output.

    test_page.py SOURCE_ROOT

Skipped without chromium; GST_PLUGIN_PATH and the bindings' paths are set by who calls."""
import base64
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import numpy

import synthetic
import tap
from test_search import CLIP, MODEL, Page, index, search

SOURCE = os.path.abspath(sys.argv[1])
WIDTH, HEIGHT = 1280, 1000
# Mean difference of a picture and what is shown of it, scaled by another program, of 255.
DIFFERENCE = 8
# Measures the page when it is loaded; the page itself runs no script.
MEASURE = """<script>addEventListener("load", () => {
  const told = document.createElement("pre"), around = [...document.images].map(image => {
    const box = image.getBoundingClientRect();
    return [image.naturalWidth, image.naturalHeight, box.x, box.y, box.width, box.height];
  });
  told.id = "told";
  told.append(JSON.stringify(around));
  document.body.append(told);
});</script>"""


def chromium(folder, page, *arguments):
    """What it prints."""
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--hide-scrollbars", "--force-device-scale-factor=1",
         f"--window-size={WIDTH},{HEIGHT}", f"--user-data-dir={folder}/profile", *arguments,
         pathlib.Path(page).as_uri()], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pixels(path, decoder, size):
    """uint8 [height][width][3] of a picture, scaled to size: (width, height)."""
    width, height = size
    raw = path + ".rgb"
    subprocess.run(["gst-launch-1.0", "-q", "filesrc", f"location={path}", "!", decoder, "!",
                    "videoconvert", "!", "videoscale", "!",
                    f"video/x-raw,format=RGB,width={width},height={height},pixel-aspect-ratio=1/1",
                    "!", "filesink", f"location={raw}"], check=True, timeout=60)
    # GStreamer's rows are of whole words.
    rows = numpy.fromfile(raw, numpy.uint8).reshape(height, -1)
    return rows[:, :3 * width].reshape(height, width, 3)


@contextlib.contextmanager
def searched():
    """(folder, path of a page of two hits)."""
    with tempfile.TemporaryDirectory() as folder:
        index(folder, [CLIP], MODEL)
        path = os.path.join(folder, "page.html")
        search(folder, "--video", CLIP, "--at", 3.5, "--n", 2, "--within", 0.02, "--merge",
               "300ms", "--html", path)
        yield folder, path


def measured(folder, path):
    """Of each picture its own width and height, and the place and size that it has."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    # That of the page but for this script: what it forbids of pictures stays forbidden.
    allowed = text.replace("default-src 'none';", "default-src 'none'; script-src 'unsafe-inline';")
    assert allowed != text
    copy = os.path.join(folder, "measured.html")
    with open(copy, "w", encoding="utf-8") as file:
        file.write(allowed.replace("</body>", MEASURE + "</body>"))
    told = chromium(folder, copy, "--dump-dom").partition('<pre id="told">')[2]
    return json.loads(told.partition("</pre>")[0])


def test_pictures():
    with searched() as (folder, path):
        with open(path, encoding="utf-8") as file:
            images = Page(file.read()).all("img")
        boxes = measured(folder, path)
        assert len(boxes) == len(images) == 3, boxes
        assert all(box[:2] == [320, 240] for box in boxes), boxes

        screenshot = os.path.join(folder, "page.png")
        chromium(folder, path, f"--screenshot={screenshot}")
        screen = pixels(screenshot, "pngdec", (WIDTH, HEIGHT))
        shown = []
        for number, (image, box) in enumerate(zip(images, boxes)):
            x, y, width, height = (round(side) for side in box[2:])
            assert x >= 0 and y >= 0 and x + width <= WIDTH and y + height <= HEIGHT, box
            jpeg = os.path.join(folder, f"{number}.jpg")
            with open(jpeg, "wb") as file:
                file.write(base64.b64decode(image["src"].partition("base64,")[2]))
            # Corners are round and edges fall between pixels.
            shown.append(tuple(one[8:-8, 8:-8].astype(int) for one in (
                screen[y:y + height, x:x + width], pixels(jpeg, "jpegdec", (width, height)))))
    differences = [float(numpy.abs(here - there).mean()) for here, there in shown]
    (first, _), (_, other) = shown[1:]
    swapped = float(numpy.abs(first - other).mean())
    print("# what is shown differs from its picture by", *(f"{one:.2f}" for one in differences),
          f"and from the other hit's by {swapped:.2f}")
    assert max(differences) < DIFFERENCE < swapped, (differences, swapped)


def test_dom():
    """What a browser makes of it is what was written: nothing ran, nothing was added."""
    with searched() as (folder, path):
        dom = Page(chromium(folder, path, "--dump-dom"))
        with open(path, encoding="utf-8") as file:
            written = Page(file.read())
    assert dom.elements == written.elements, (dom.elements, written.elements)
    assert " ".join(dom.text.split()) == " ".join(written.text.split())


def with_chromium(test):
    def run():
        if not shutil.which("chromium"):
            raise unittest.SkipTest("there is no chromium")
        test()
    return run


def main():
    synthetic.use(SOURCE)
    return not tap.run([(name, with_chromium(test)) for name, test in (
        ("a browser shows each thumbnail", test_pictures),
        ("a browser reads what was written", test_dom),
    )])


if __name__ == "__main__":
    sys.exit(main())
