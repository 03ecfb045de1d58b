#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples/archive/search.py as it is called: frames find themselves, words find what
the model's own package finds, what has nothing in common with an index is refused, and
the page shows the frames and holds what strangers' names are.  TAP on standard output.

    test_search.py SOURCE_ROOT

GST_PLUGIN_PATH and the bindings' paths are set by who calls.  What takes transformers is
skipped without it."""
import base64
import html.parser
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import unittest

import numpy

import synthetic
import tap
from synthetic import SECOND

SOURCE = os.path.abspath(sys.argv[1])
CLIP = os.path.join(SOURCE, "examples/media/clip.webm")
FEATURES = os.path.join(SOURCE, "tests/golden/features")
MODEL, OTHER = (os.path.join(FEATURES, name) for name in ("hf-dinov2-giant", "hf-clip"))
HOSTILE = "/videos/<script>alert(1)</script>\" onerror='alert(2)' &amp; \u202egpj.\x1b[2Jä.mp4"


def search(folder, *arguments, fails=False):
    """What it prints; of a failure what it says."""
    done = subprocess.run(
        [sys.executable, os.path.join(SOURCE, "examples/archive/search.py"), folder,
         *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert (done.returncode != 0) == fails, (arguments, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr if fails else done.stdout


def settings_of(model, **more):
    import settings
    return settings.Settings(**{"model": model, "every": SECOND // 5, "max_tokens": 257, **more})


def index(folder, names, model, **more):
    """An index folder of videos and pictures, as index.py makes it."""
    import frames
    import sources
    import work

    chosen = settings_of(model, **more)
    known, options = frames.describe(chosen, 1), {"threads": 1, "patience": 120}
    for name in names:
        source = sources.of_name(name)
        if sources.ending(name) in sources.PICTURES:
            (stem, batch), = sources.batches([source])
            done = work.index_pictures(folder, stem, batch, chosen, known, options,
                                       lambda *_: None)
        else:
            done = work.index_video(folder, source, chosen, known, options, lambda *_: None)
        assert not done["errors"], done
    return folder


def write_picture(path, values):
    """values: uint8 [height][width][3]."""
    height, width, _ = values.shape
    raw = path + ".rgb"
    values.tofile(raw)
    subprocess.run(["gst-launch-1.0", "-q", "filesrc", f"location={raw}", "!", "rawvideoparse",
                    "format=rgb", f"width={width}", f"height={height}", "!", "pngenc", "!",
                    "filesink", f"location={path}"], check=True, timeout=60)
    os.unlink(raw)
    return path


def lines(printed):
    """[(cosine, time, rest)] of a table of hits."""
    return re.findall(r"^ *\d+  +(-?[\d.]+) +(\d+:\d\d:\d\d\.\d{3})? +(.*)$", printed,
                      re.MULTILINE)


def test_own_frame():
    """Of each row of the clip the nearest frame is itself, with cosine 1."""
    import vectors as vectors_module

    with tempfile.TemporaryDirectory() as folder:
        index(folder, [CLIP], MODEL)
        vectors = vectors_module.Vectors(folder)
        rows = vectors.take(vectors.parts[0], range(vectors.rows)).to_pylist()
        assert vectors.rows == 24 and len({row["stream_time"] for row in rows}) == 24
        units = numpy.array([row["embedding"] for row in rows], numpy.float64)
        units /= numpy.linalg.norm(units, axis=1)[:, None]
        numbers = numpy.array([row["frame"] for row in rows])
        for row in rows[::11]:
            at = row["stream_time"] / SECOND
            (cosine, time, rest), *_ = lines(search(
                folder, "--video", CLIP, "--at", at, "--within", 0, "--merge", 0))
            assert cosine == "1.0000" and rest.endswith(CLIP), rest
            # Of frames that are alike to 12 digits, as the clip has some, the first.
            alike = numpy.round(units @ units[row["frame"] == numbers][0], 12)
            milliseconds = rows[int(alike.argmax())]["stream_time"] // 10**6
            assert time == "0:00:%02d.%03d" % divmod(milliseconds, 1000), (time, at)
            # To the last bit, as it is the same pipeline.
            import query
            found, when = query.of_frame(CLIP, row["stream_time"], vectors)
            assert when == row["stream_time"]
            assert numpy.array_equal(found, numpy.float32(row["embedding"]))
        numpy.save(os.path.join(folder, "row.npy"), numpy.float32(rows[3]["embedding"]))
        (cosine, time, _), *_ = lines(search(folder, "--vector", os.path.join(folder, "row.npy")))
        assert cosine == "1.0000"


def test_refused():
    with tempfile.TemporaryDirectory() as folder:
        index(folder, [CLIP], MODEL, every=2 * SECOND)
        good = os.path.join(folder, "good.npy")
        for values, reason in ((numpy.ones(7), "shape (7,)"), (numpy.array(["a"]), "real numbers"),
                               (numpy.array([None]), "allow_pickle"),
                               (numpy.zeros(dim_of(folder)), "no direction"),
                               (numpy.full(dim_of(folder), numpy.nan), "no direction")):
            numpy.save(good, values)
            said = search(folder, "--vector", good, fails=True)
            assert reason in said, (reason, said)
        said = search(folder, "--video", CLIP, "--model", OTHER, fails=True)
        assert "nothing in common" in said and "hf-clip" in said, said
        said = search(folder, "--image", "/nowhere.png", fails=True)
        assert "/nowhere.png" in said, said
        said = search(folder, "--video", CLIP, "--at", "1:00:00", fails=True)
        assert "no frame" in said, said
        for place, reason in (("/nowhere/x.html", "no folder /nowhere"), (folder, "is a folder")):
            said = search(folder, "--video", CLIP, "--html", place, fails=True)
            assert place in said and reason in said, said
        said = search(folder, "--video", CLIP, "--model", "/nowhere", fails=True)
        assert "--model" in said, said
        assert "index.py" in search(SOURCE, "--duplicates", fails=True)


def dim_of(folder):
    from vectors import Vectors
    return Vectors(folder).dim


class Page(html.parser.HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def test_page():
    """Two frames of one video, exactly these: the page's pictures are decoded again."""
    with tempfile.TemporaryDirectory() as folder:
        index(folder, [CLIP], MODEL)
        path = os.path.join(folder, "page.html")
        printed = search(folder, "--video", CLIP, "--at", 3.5, "--n", 2, "--within", 0.02,
                         "--merge", "300ms", "--html", path)
        with open(path, encoding="utf-8") as file:
            page = Page(file.read())
        assert len(page.all("li")) == len(lines(printed)) == 2
        pictures = [base64.b64decode(image["src"].partition("base64,")[2])
                    for image in page.all("img")]
        assert len(pictures) == 3       # that of the query, too
        assert all(picture[:2] == b"\xff\xd8" for picture in pictures)
        assert all(image["alt"] for image in page.all("img"))
        assert pictures[0] != pictures[2]
        for (_, time, _), link in zip(lines(printed), page.all("a")[::2]):
            hours, minutes, seconds = time.split(":")
            assert link["href"].endswith(f"clip.webm#t={float(seconds):.3f}"), link
        assert not page.all("script") and page.all("html")[0]["lang"] == "en"
        # Nothing is fetched: all it shows is in it.
        assert not [1 for tag, attributes in page.elements
                    if not attributes.get("src", "data:image/jpeg").startswith("data:image/jpeg")]


def test_hostile():
    """Names and labels are text, wherever they stand; no link but to files and the web."""
    with tempfile.TemporaryDirectory() as folder:
        vectors = numpy.eye(4, dtype=numpy.float32)
        for i, name in enumerate((HOSTILE, "javascript://x/%0aalert(3)",
                                  "https://a.example/v.mp4")):
            rows = synthetic.rows_of(name, vectors[:1] + vectors[1] * i / 10, [SECOND])
            rows[0]["labels"] = [{"label": "<b>'\"&", "class": 0, "score": 0.5}]
            synthetic.write(folder, str(i), rows)
        numpy.save(os.path.join(folder, "q.npy"), vectors[0])
        printed = search(folder, "--vector", os.path.join(folder, "q.npy"))
        assert "\x1b" not in printed and "\u202e" not in printed
        assert "\\u{1b}" in printed and len(printed.splitlines()) == 4, printed

        import page
        import results
        from nearest import Hit
        from vectors import Vectors
        entries = results.entries(Vectors(folder), [Hit(i, 0, 1 - i / 10, SECOND, SECOND)
                                                    for i in range(3)])
        text = page.render("<i>" + HOSTILE, "a & b", [
            entry._replace(thumbnail="no <plugin> for it") for entry in entries])
    told = Page(text)
    known = {"html", "head", "meta", "title", "style", "body", "header", "div", "h1", "p", "main",
             "ol", "li", "span", "a", "h2", "small", "i", "dl", "dt", "dd"}
    assert {tag for tag, _ in told.elements} == known, {tag for tag, _ in told.elements} ^ known
    assert not [1 for _, attributes in told.elements for name in attributes if name[:2] == "on"]
    hrefs = [link["href"] for link in told.all("a")]
    assert [href.split(":")[0] for href in hrefs] == ["file"] * 2 + ["https"] * 2, hrefs
    assert "\u202e" not in text and "\x1b" not in text
    shown = HOSTILE.replace("\u202e", "\\u{202e}").replace("\x1b", "\\u{1b}")
    assert shown in told.text and "<b>'\"&" in told.text and "no <plugin> for it" in told.text


def test_opened():
    """For a page nothing is opened but files and what is on the web, whatever a table
    names: no camera, and no pipe, which may hold it for ever."""
    import thumbnails

    with tempfile.TemporaryDirectory() as folder:
        pipe, found = os.path.join(folder, "pipe.mp4"), []
        os.mkfifo(pipe)
        wanted = [(name, None) for name in (
            pipe, f"FILE://{pipe}", "v4l2:///dev/video0", f"{folder}/gone.mp4")]
        thread = threading.Thread(
            target=lambda: found.extend(thumbnails.of(wanted)), daemon=True)
        thread.start()
        thread.join(30)
        assert [error.message for error in found] == [
            "it is no regular file"] * 2 + ["it is neither a file nor on the web",
                                            "No such file or directory"], found
        made, = thumbnails.of([(CLIP, SECOND)])
        assert made[:2] == b"\xff\xd8"


def foreign(folder, name, change=None, columns=None):
    """A file of an index folder as no index.py writes it.  change: of its description;
    columns: of the Table."""
    import pyarrow.parquet
    import table

    path = synthetic.write(folder, name, synthetic.rows_of(
        "/a.mp4", numpy.eye(4, dtype=numpy.float32), [SECOND * i for i in range(4)]))
    read = pyarrow.parquet.read_table(path)
    told, _ = table.read_footer(path)
    told = dict(told, **change) if isinstance(change, dict) else change or told
    read = columns(read) if columns else read
    pyarrow.parquet.write_table(read.replace_schema_metadata(
        {table.KEY: told if isinstance(told, str) else json.dumps(told)}), path)


def nulls(name):
    import pyarrow

    return lambda read: read.set_column(
        read.schema.get_field_index(name), name,
        pyarrow.nulls(len(read), read.schema.field(name).type))


def test_foreign():
    """What no index.py wrote is passed over, with those of strangers; of numbers that are
    not there none is looked for."""
    with tempfile.TemporaryDirectory() as folder:
        query = os.path.join(folder, "q.npy")
        numpy.save(query, numpy.ones(4))
        changes = [[1], "null", "[" * 100000, {"model_id": [1]}, {"settings": []},
                   {"settings": {"model": "/m", "every": "x"}}, {"sources": [["/a.mp4"]]},
                   {"patches": 1}, *({"rows": rows} for rows in (10**18, -1, 3, None, "x"))]
        for number, change in enumerate(changes):
            foreign(folder, f"bad{number}", change)
        for column in ("video", "pts", "labels"):
            foreign(folder, f"lacks-{column}", columns=lambda read: read.drop_columns([column]))
        os.mkfifo(os.path.join(folder, "frames", "pipe.parquet"))
        assert "nothing is in the index yet" in search(folder, "--vector", query, fails=True)
        for column in ("video", "labels", "stream_time"):
            foreign(folder, f"null-{column}", columns=nulls(column))
        os.makedirs(os.path.join(folder, "index"), exist_ok=True)
        for piped in ("files.json", "index.json"):
            path = os.path.join(folder, "index", piped)
            if os.path.exists(path):
                os.unlink(path)
            os.mkfifo(path)
            assert len(lines(search(folder, "--vector", query, "--exact"))) == 3
            assert search(folder, "--duplicates")
            os.unlink(path)
        search(folder, "--vector", query)
        catalog_path = os.path.join(folder, "index", "files.json")
        with open(catalog_path, encoding="utf-8") as file:
            good = json.load(file)
        for place, lie in ((3, "x"), (3, -1), (5, 0), (6, -1), (4, None)):
            told = json.loads(json.dumps(good))
            told["files"][0][place] = lie
            with open(catalog_path, "w", encoding="utf-8") as file:
                json.dump(told, file)
            assert len(lines(search(folder, "--vector", query))) == 3, lie


def test_duplicates():
    """A clip and its copy of another size, and what lies in neither."""
    with tempfile.TemporaryDirectory() as folder:
        small, noise = (os.path.join(folder, name)
                        for name in ("a small 'copy'.webm", "noise.webm"))
        subprocess.run(["gst-launch-1.0", "-q", "filesrc", f"location={CLIP}", "!",
                        "matroskademux", "!", "vp8dec", "!", "videoscale", "!",
                        "video/x-raw,width=320,height=240", "!", "vp8enc", "deadline=1",
                        "target-bitrate=600000", "!", "webmmux", "!", "filesink",
                        f"location={small}"], check=True, timeout=120)
        subprocess.run(["gst-launch-1.0", "-q", "videotestsrc", "pattern=snow", "num-buffers=60",
                        "!", "video/x-raw,width=320,height=240", "!", "vp8enc", "deadline=1", "!",
                        "webmmux", "!", "filesink", f"location={noise}"], check=True, timeout=120)
        out = index(os.path.join(folder, "out"), [CLIP, small, noise],
                    os.path.join(SOURCE, "examples/models/dinov2-small"), every=SECOND // 2,
                    max_tokens=120)
        printed = search(out, "--duplicates")
    first, *others = printed.splitlines()
    assert re.fullmatch(r"2 near-equal videos, cosine (0\.9[789]|1\.0)\d* and more", first), printed
    assert sorted(others) == sorted(f"  {name}" for name in (CLIP, small)), printed


def check_words(kind, folder):
    """Pictures stand in the order of the package's own cosines with a text."""
    import torch
    import transformers

    import classes_example as example

    where = os.path.join(folder, kind)
    model = example.make_model(kind, pathlib.Path(where))
    chance = numpy.random.default_rng(5)
    values = [chance.integers(0, 256, (example.SIZE, example.SIZE, 3), numpy.uint8)
              // (i + 1) for i in range(5)]
    pictures = [write_picture(os.path.join(folder, f"{kind}-{i}.png"), one)
                for i, one in enumerate(values)]
    out = index(os.path.join(folder, kind + "-index"), pictures, where, precision="f32",
                max_tokens=0)
    printed = search(out, "--text", "red car", "--template", "a photo of a {}.")
    tokenizer = transformers.AutoTokenizer.from_pretrained(where)
    padded = kind == "siglip"
    text = tokenizer(["a photo of a red car."], return_tensors="pt",
                     **({"padding": "max_length", "max_length": 12} if padded else {}))
    with torch.no_grad():
        given = model(pixel_values=torch.cat([example.pixels(one) for one in values]),
                      **({"input_ids": text["input_ids"]} if padded else text))
    cosines = torch.nn.functional.normalize(given.image_embeds, dim=-1) \
        @ torch.nn.functional.normalize(given.text_embeds, dim=-1)[0]
    expected = [(f"{cosines[i]:.4f}", pictures[i]) for i in cosines.argsort(descending=True)]
    found = [(cosine, rest.strip()) for cosine, _, rest in lines(printed)]
    assert [name for _, name in found] == [name for _, name in expected], (found, expected)
    assert all(abs(float(a) - float(b)) < 2e-4 for (a, _), (b, _) in zip(found, expected))

    mean = index(os.path.join(folder, kind + "-mean"), pictures[:1], where, embedding="mean")
    said = search(mean, "--text", "cat", fails=True)
    assert "embedding" in said or "numbers" in said, said


def test_words():
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
        import tokenizers  # noqa: F401
    except ImportError as error:
        raise unittest.SkipTest(error) from error
    sys.path.insert(0, os.path.join(SOURCE, "tests/examples"))
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("clip", "siglip"):
            check_words(kind, folder)
        # A model without texts.
        index(os.path.join(folder, "none"), [CLIP], MODEL, every=3 * SECOND)
        said = search(os.path.join(folder, "none"), "--text", "cat", fails=True)
        assert "text" in said, said


def main():
    synthetic.use(SOURCE)
    return not tap.run([
        ("a frame finds itself", test_own_frame),
        ("what has nothing in common is refused", test_refused),
        ("the page shows the frames", test_page),
        ("names of strangers are text", test_hostile),
        ("for a page no camera and no pipe is opened", test_opened),
        ("what no index.py wrote is passed over", test_foreign),
        ("a copy of a clip is found", test_duplicates),
        ("words find what the package finds", test_words),
    ])


if __name__ == "__main__":
    sys.exit(main())
