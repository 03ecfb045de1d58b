#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples/tokens.py names the patch that changed, copies no tokens and says
what is missing.  TAP on standard output.

    test_tokens_py.py SOURCE_ROOT BUILD_ROOT"""
import glob
import importlib.util
import os
import subprocess
import sys
import tempfile

WIDTH, HEIGHT, PATCH = 64, 48, 16
# Where the picture changes, by frame: (column, row) or nowhere.
CHANGES = [None, (2, 1), None, (0, 2), (3, 0)]


def write_video(path):
    """Grey frames, as raw as a file can be: each change is still there after it."""
    luma = bytearray([128]) * (WIDTH * HEIGHT)
    chroma = bytes([128]) * (WIDTH * HEIGHT // 2)
    with open(path, "wb") as file:
        file.write(b"YUV4MPEG2 W%d H%d F25:1 Ip A1:1 C420\n" % (WIDTH, HEIGHT))
        for change in CHANGES:
            if change:
                column, row = change
                for y in range(row * PATCH, (row + 1) * PATCH):
                    start = y * WIDTH + column * PATCH
                    luma[start:start + PATCH] = bytes([200]) * PATCH
            file.write(b"FRAME\n" + luma + chroma)


def expected_line(index):
    change = CHANGES[index]
    if index == 0:
        return "13 tokens of 768 numbers"
    if change is None:
        return "as the frame before"
    return "the patch at {:d},{:d}, 16 x 16 pixels".format(*(PATCH * n for n in change))


def run(example, env, *arguments):
    return subprocess.run([sys.executable, example, *arguments], env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100)


def test_names_the_patch(example, env, folder):
    video = os.path.join(folder, "video.y4m")
    write_video(video)
    done = run(example, env, video)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert len(lines) == len(CHANGES), done.stdout
    for index, line in enumerate(lines):
        assert expected_line(index) in line, f"frame {index}: {line}"


def test_copies_no_tokens(example, env, folder):
    """Two views of one frame's tokens are views of the same memory."""
    spec = importlib.util.spec_from_file_location("tokens", example)
    tokens = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tokens)
    tokens.Gst.init(None)
    video = os.path.join(folder, "video.y4m")
    write_video(video)
    pipeline = tokens.make_pipeline(tokens.Gst.filename_to_uri(video), None)
    frame = next(tokens.frames_of(pipeline))
    first, second = tokens.Tokens(frame), tokens.Tokens(frame)
    assert first.values.shape == (13, 768) and first.patches.shape == (12, 768)
    assert not first.values.flags.owndata
    assert first.values.ctypes.data == second.values.ctypes.data
    first.close()
    second.close()
    pipeline.set_state(tokens.Gst.State.NULL)


def test_says_what_is_missing(example, env, folder):
    for name in ("GI_TYPELIB_PATH", "GST_PLUGIN_PATH"):
        lacking = {k: v for k, v in env.items() if k != name}
        lacking["GST_REGISTRY"] = os.path.join(folder, "lacking.bin")
        done = run(example, lacking)
        assert done.returncode == 1, f"without {name}: {done.returncode}"
        assert name in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_says_what_python_lacks(example, env, folder):
    """One sentence, whichever module is not there."""
    for name in ("gi", "numpy"):
        modules = os.path.join(folder, "without-" + name)
        os.mkdir(modules)
        with open(os.path.join(modules, name + ".py"), "w", encoding="utf-8") as file:
            file.write(f"raise ModuleNotFoundError(\"No module named '{name}'\")\n")
        done = run(example, dict(env, PYTHONPATH=modules))
        assert done.returncode == 1, f"without {name}: {done.returncode}"
        assert len(done.stderr.splitlines()) == 1, done.stderr
        for word in (sys.executable, f"'{name}'", "python3-gst-1.0", "python3-numpy"):
            assert word in done.stderr, done.stderr


def test_says_what_failed(example, env, folder):
    text = os.path.join(folder, "no-video.txt")
    with open(text, "w", encoding="utf-8") as file:
        file.write("words " * 2000)
    for arguments, named in ((("/nowhere.webm",), "file:///nowhere.webm: "),
                             ((text,), f"file://{text}: "),
                             (("/nowhere.webm", "/nowhere.safetensors"), "nowhere.")):
        done = run(example, env, *arguments)
        assert done.returncode == 1, f"{arguments}: {done.returncode}"
        assert named in done.stderr and "Traceback" not in done.stderr, done.stderr


TESTS = [test_names_the_patch, test_copies_no_tokens, test_says_what_is_missing,
         test_says_what_python_lacks, test_says_what_failed]


def reason_to_skip(build):
    if not glob.glob(os.path.join(build, "plugin", "*.typelib")):
        return "built without introspection"
    modules = ("import gi, numpy; gi.require_version('Gst', '1.0'); "
               "from gi.repository import Gst; import gi.overrides.Gst")
    if subprocess.run([sys.executable, "-c", modules], check=False,
                      stderr=subprocess.DEVNULL).returncode != 0:
        return "no python3-gst-1.0 or python3-numpy"
    return None


def main():
    source, build = (os.path.abspath(path) for path in sys.argv[1:3])
    example = os.path.join(source, "examples", "tokens.py")
    plugin = os.path.join(build, "plugin")
    reason = reason_to_skip(build)
    failed = False
    print(f"1..{len(TESTS)}")
    with tempfile.TemporaryDirectory(prefix="tokens-", dir=build) as folder:
        os.environ.update(
            GST_PLUGIN_PATH=os.path.join(plugin, "module"), GI_TYPELIB_PATH=plugin, LD_LIBRARY_PATH=plugin,
            GST_REGISTRY=os.path.join(folder, "registry.bin"))
        for test in TESTS:
            name = test.__name__.replace("test_", "").replace("_", "-")
            if reason:
                print(f"ok - {name} # SKIP {reason}")
                continue
            try:
                test(example, dict(os.environ), folder)
                print(f"ok - {name}", flush=True)
            except Exception as error:
                print(f"not ok - {name}", flush=True)
                for line in f"{type(error).__name__}: {error}".splitlines():
                    print("#", line)
                failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
