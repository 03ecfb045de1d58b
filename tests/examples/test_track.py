#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples/track follows what moves as it is known to move, by tokens and by
features, marks it for the elements behind, and says what is wrong.  TAP on
standard output.

    test_track.py SOURCE_ROOT TRACK

GST_PLUGIN_PATH is set by who calls."""
import glob
import json
import math
import os
import random
import re
import signal
import struct
import subprocess
import sys
import tempfile

WIDTH, HEIGHT, N_FRAMES, PATCH = 320, 240, 30, 16
# What moves, over the same texture of another seed.
OBJECT_WIDTH, OBJECT_HEIGHT = 96, 80
LINE = re.compile(r"^(\S+)  at (\S+), (\S+), (\S+) x (\S+) pixels, cosine (\S+)$", re.MULTILINE)
# The clip pans from frame 20 to 40, by so many pixels a frame, in the same shot.
PAN_START, PAN_END, PAN = 20, 40, (-3.2, -2.4)
CUT = 60


def texture(seed, width, height, cell, values):
    """Rows of bytes: random values on a grid of cells, linear in between."""
    chance = random.Random(seed)
    columns, rows = width // cell + 2, height // cell + 2
    grid = [[chance.randrange(*values) for _ in range(columns)] for _ in range(rows)]
    picture = []
    for y in range(height):
        row, down = divmod(y, cell)
        line = [above + (below - above) * down / cell
                for above, below in zip(grid[row], grid[row + 1])]
        picture.append(bytes(
            round(line[x // cell] + (line[x // cell + 1] - line[x // cell]) * (x % cell) / cell)
            for x in range(width)))
    return picture


def place(index):
    """The object's upper left corner: even, as chroma has half the size."""
    return 24 + 2 * round(2.5 * index), 30 + 2 * round(1.4 * index)


def paste(picture, piece, x, y):
    rows = list(picture)
    for i, row in enumerate(piece):
        rows[y + i] = rows[y + i][:x] + row + rows[y + i][x + len(row):]
    return b"".join(rows)


def write_video(path, n_frames=N_FRAMES):
    """As raw as a file can be."""
    planes = [(texture(seed, WIDTH // by, HEIGHT // by, cell, (16, 150)),
               texture(seed + 10, OBJECT_WIDTH // by, OBJECT_HEIGHT // by, cell, (100, 236)), by)
              for seed, by, cell in ((1, 1, 20), (2, 2, 10), (3, 2, 10))]
    with open(path, "wb") as file:
        file.write(b"YUV4MPEG2 W%d H%d F25:1 Ip A1:1 C420\n" % (WIDTH, HEIGHT))
        for index in range(n_frames):
            x, y = place(index)
            file.write(b"FRAME\n")
            for background, piece, by in planes:
                file.write(paste(background, piece, x // by, y // by))


BOX = "--box={},{},{},{}".format(*place(0), OBJECT_WIDTH, OBJECT_HEIGHT)


def run(track, *arguments):
    return subprocess.run([track, *arguments], text=True, timeout=250,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def find_boxes(track, *arguments):
    """(x, y, width, height) of each frame, every one of which must have one."""
    done = run(track, *arguments)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    found = [LINE.match(line) for line in lines]
    assert all(found), done.stdout
    return [tuple(float(number) for number in match.groups()[1:5]) for match in found]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def overlap(a, b):
    """Of two boxes: what both cover, of what either does."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def distance(a, b):
    """Between the middles."""
    return math.hypot(a[0] + a[2] / 2 - b[0] - b[2] / 2, a[1] + a[3] / 2 - b[1] - b[3] / 2)


def compare(name, found, expected, patch):
    """(mean distance in patches, mean overlap)."""
    assert len(found) == len(expected), f"{len(found)} boxes, not {len(expected)}"
    distances = [distance(*pair) / patch for pair in zip(found, expected)]
    overlaps = [overlap(*pair) for pair in zip(found, expected)]
    print(f"# {name}: off by {mean(distances):.2f} patches in the mean, {max(distances):.2f}"
          f" at most; overlap {mean(overlaps):.2f}, {min(overlaps):.2f} at least", flush=True)
    return mean(distances), mean(overlaps)


class Case:
    """What every test is given."""

    def __init__(self, source, track, folder):
        self.source, self.track, self.folder = source, track, folder
        self.video = os.path.join(folder, "video.y4m")
        write_video(self.video)
        self.expected = [(*place(index), OBJECT_WIDTH, OBJECT_HEIGHT)
                         for index in range(N_FRAMES)]

    def path(self, *names):
        return os.path.join(self.source, *names)


def test_follows_by_tokens(case):
    found = find_boxes(case.track, BOX, case.video)
    error, shared = compare("tokens", found, case.expected, PATCH)
    assert error < 0.5 and shared > 0.75


def test_follows_by_features(case):
    """Of a network whose weights are random, in a folder of any name."""
    model = os.path.join(case.folder, '"a model" of \\ mine')
    os.symlink(case.path("tests/golden/features/hf-vit-classifier"), model)
    found = find_boxes(case.track, BOX, "--model=" + model, case.video)
    error, shared = compare("features", found, case.expected, PATCH)
    assert error < 0.5 and shared > 0.65


def test_follows_a_point(case):
    x, y = place(0)
    size = 3 * PATCH
    found = find_boxes(case.track, f"--point={x + 40},{y + 40}", case.video)
    first = found[0]
    assert first[2:] == (size, size) and first[0] < x + 40 < first[0] + size, first
    expected = [(first[0] + box[0] - x, first[1] + box[1] - y, size, size)
                for box in case.expected]
    error, _ = compare("a point", found, expected, PATCH)
    assert error < 1


def test_scaled_down(case):
    """To 12 x 9 patches, and the boxes are those of the frame."""
    found = find_boxes(case.track, BOX, "--max-tokens=110", case.video)
    error, shared = compare("scaled down", found, case.expected, WIDTH / 12)
    assert error < 0.5 and shared > 0.65


def test_without_neighbours(case):
    """A propagation that cannot move anything is seen to."""
    found = find_boxes(case.track, BOX, "--neighbourhood=0", case.video)
    error, shared = compare("without neighbours", found, case.expected, PATCH)
    assert error > 2 and shared < 0.3


def test_marks_frames(case):
    """An element behind has tokens of what is in the box."""
    files = os.path.join(case.folder, "region-%02d.safetensors")
    found = find_boxes(
        case.track, BOX, "--elements=vitpatchembed regions=roi ! vittokenenc"
        f" ! application/x-safetensors ! multifilesink location={files}", case.video)
    regions = []
    for path in sorted(glob.glob(files.replace("%02d", "*"))):
        with open(path, "rb") as file:
            size, = struct.unpack("<Q", file.read(8))
            fields = json.loads(file.read(size))["__metadata__"]
        if fields.get("roi_type") == "tracked":
            regions.append(json.loads(fields["roi_rect"]))
    assert len(regions) == len(found) == N_FRAMES, f"{len(regions)} regions"
    for (x, y, width, height), region in zip(found, regions):
        left, top = math.floor(x), math.floor(y)
        expected = (left, top, math.ceil(x + width) - left, math.ceil(y + height) - top)
        # The line has one decimal.
        assert all(abs(a - b) <= 1 for a, b in zip(expected, region)), (expected, region)


def read_luma(path, folder):
    """Of a video, each frame's."""
    raw = os.path.join(folder, "raw")
    line = (f"filesrc location={path} ! matroskademux ! vp8dec ! video/x-raw,format=I420"
            f" ! filesink location={raw}")
    subprocess.run(["gst-launch-1.0", "-q", *line.split()], check=True, timeout=100)
    with open(raw, "rb") as file:
        data = file.read()
    size = WIDTH * HEIGHT * 3 // 2
    return [data[start:start + WIDTH * HEIGHT] for start in range(0, len(data), size)]


def test_draws_boxes(case):
    """The left side is yellow, as far as a lossy codec leaves it; beside it are
    tokens of 16 to 150."""
    path = os.path.join(case.folder, "out.webm")
    found = find_boxes(case.track, BOX, "--output=" + path, case.video)
    frames = read_luma(path, case.folder)
    assert len(frames) == len(found) == N_FRAMES, len(frames)
    for luma, (x, y, _, height) in zip(frames, found):
        middle = int(y + height / 2)
        rows = [luma[row * WIDTH:(row + 1) * WIDTH] for row in range(middle - 20, middle + 20)]
        side = mean(row[math.floor(x) + 1] for row in rows)
        beside = mean(row[math.floor(x) - 4] for row in rows)
        assert side > 160 and side > beside + 20, (side, beside)


def test_interrupted(case):
    """By Ctrl-C: the video has the frames until then."""
    video, path = os.path.join(case.folder, "long.y4m"), os.path.join(case.folder, "cut.webm")
    with open(case.video, "rb") as whole, open(video, "wb") as file:
        file.write(whole.readline())
        file.write(whole.read() * 20)
    with subprocess.Popen([case.track, BOX, "--output=" + path, video], text=True,
                          stdout=subprocess.PIPE) as process:
        lines = [process.stdout.readline() for _ in range(10)]
        process.send_signal(signal.SIGINT)
        lines += process.stdout.readlines()
        assert process.wait(60) == 0, process.returncode
    os.remove(video)
    n_frames = len(read_luma(path, case.folder))
    assert 10 <= n_frames < 20 * N_FRAMES, n_frames
    assert n_frames == len(lines), (n_frames, len(lines))


def clip_boxes(box):
    """Where a box of the clip's first frame goes."""
    moved = [min(max(index - PAN_START, 0), PAN_END - PAN_START) for index in range(CUT)]
    return [(box[0] + n * PAN[0], box[1] + n * PAN[1], *box[2:]) for n in moved]


def test_clip(case):
    """The face, until the shot ends; then it is lost."""
    model = case.path("examples/models/dinov2-small")
    if not os.path.exists(os.path.join(model, "model.safetensors")):
        return "no examples/models/dinov2-small"
    box = (170, 90, 180, 220)
    done = run(case.track, "--box={},{},{},{}".format(*box), "--model=" + model,
               "--max-tokens=257", f"--elements=identity eos-after={CUT + 6} ! fakesink",
               case.path("examples/media/clip.webm"))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    found = [tuple(float(number) for number in match.groups()[1:5])
             for match in map(LINE.match, lines[:CUT]) if match]
    # 18 x 13 patches.
    error, shared = compare("DINOv2 on the clip", found, clip_boxes(box), 640 / 18)
    assert error < 0.5 and shared > 0.75
    assert len(lines) > CUT and all("lost" in line for line in lines[CUT:]), lines[CUT:]
    return None


def test_says_what_is_wrong(case):
    for status, words, arguments in (
            (0, "--neighbourhood=N", ("--help",)),
            (2, "one file", (BOX,)),
            (2, "--box=X,Y,WIDTH,HEIGHT", (case.video,)),
            (2, "a box or a point", (BOX, "--point=1,2", case.video)),
            (2, "four numbers", ("--box=1,2,3", case.video)),
            (2, "four numbers", ("--box=1,2,3,4,5", case.video)),
            (2, "four numbers", ("--box=1,2,0,4", case.video)),
            (2, "and a point two", ("--point=1", case.video)),
            (2, "one of --output", (BOX, "--output=a", "--elements=fakesink", case.video)),
            (2, "out of its range", (BOX, "--top=0", case.video)),
            (2, "out of its range", (BOX, "--temperature=nan", case.video)),
            (2, "takes a --model", (BOX, "--layer=1", case.video)),
            (2, "--nothing", ("--nothing", case.video)),
            (1, "not found", (BOX, "nowhere.webm")),
            (1, "nowhere", (BOX, "--model=nowhere", case.video)),
            (1, "no-such-element", (BOX, "--elements=no-such-element", case.video)),
            (1, "an input stage alone", (
                BOX, "--model=" + case.path("tests/golden/hf-dinov2"), case.video)),
            (1, "block 99", (
                BOX, "--model=" + case.path("tests/golden/features/hf-vit-classifier"),
                "--layer=99", case.video))):
        done = run(case.track, *arguments)
        said = done.stdout + done.stderr
        assert done.returncode == status and words in said, (arguments, done.returncode, said)


TESTS = [test_follows_by_tokens, test_follows_by_features, test_follows_a_point,
         test_scaled_down, test_without_neighbours, test_marks_frames, test_draws_boxes,
         test_interrupted, test_clip, test_says_what_is_wrong]


def main():
    failed = False
    print(f"1..{len(TESTS)}")
    with tempfile.TemporaryDirectory(prefix="track-") as folder:
        case = Case(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), folder)
        for test in TESTS:
            name = test.__name__.replace("test_", "").replace("_", "-")
            try:
                reason = test(case)
                print(f"ok - {name}" + (f" # SKIP {reason}" if reason else ""), flush=True)
            except Exception as error:
                print(f"not ok - {name}", flush=True)
                for line in f"{type(error).__name__}: {error}".splitlines():
                    print("#", line)
                failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
