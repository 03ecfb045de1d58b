#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What README.md says is run as it stands: every command of its sh blocks, the
C program and the Python program.  TAP on standard output.

    test_readme.py SOURCE_ROOT BUILD_ROOT

As a reader would, in one terminal in the project's folder; only that this
folder is a scratch one, in which examples/ and build/ are links.  Not run: what
installs something, and `meson`, which has been run here already."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

# test_install.sh tries the latter; the former runs this test.
HEADINGS_LEFT_OUT = ("Two commands", "Installing")
WORDS_LEFT_OUT = ("meson", "sh")
# Of a command that would not end by itself.
SECONDS_SHOWN = 5


def read_blocks(path):
    """(heading, language, text) of every fenced block."""
    heading, language, text = "", None, ""
    for line in open(path, encoding="utf-8"):
        if line.startswith("```"):
            if language is None:
                language, text = line[3:].strip(), ""
            else:
                yield heading, language, text
                language = None
        elif language is not None:
            text += line
        elif line.startswith("#"):
            heading = line.strip("# \n")


def prepare_folder(folder, source, build, programs):
    os.symlink(os.path.join(source, "examples"), os.path.join(folder, "examples"))
    os.symlink(build, os.path.join(folder, "build"))
    os.symlink(os.path.join(source, "tests/golden/dino-p16/model.safetensors"),
               os.path.join(folder, "dino.safetensors"))
    for language, text in programs.items():
        name = "reader." + {"c": "c", "python": "py"}[language]
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


def clean_environment(folder):
    """Nothing of this project's is found but by what README.md says."""
    names = ("GST_PLUGIN_PATH", "LD_LIBRARY_PATH", "PKG_CONFIG_PATH",
             "GI_TYPELIB_PATH", "GST_REGISTRY_FORK", "G_DEBUG", "DISPLAY")
    env = {k: v for k, v in os.environ.items() if k not in names}
    env["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin:" + env.get("PATH", "")
    env["GST_REGISTRY"] = os.path.join(folder, "registry.bin")
    # autovideosink tries it too, which takes minutes where no graphics card is.
    env["GST_PLUGIN_FEATURE_RANK"] = "kmssink:NONE"
    return env


def succeeds(env, *command):
    try:
        return subprocess.run(command, env=env, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def reason_to_skip(line, build, env):
    if "autovideosink" in line:
        if not shutil.which("xvfb-run", path=env["PATH"]):
            return "no xvfb-run"
        if not succeeds(env, "gst-inspect-1.0", "--exists", "ximagesink"):
            return "no ximagesink (gstreamer1.0-x)"
    if line.startswith("python3 "):
        if not glob.glob(os.path.join(build, "plugin", "*.typelib")):
            return "built without introspection"
        if not succeeds(env, "python3", "-c", "import gi, numpy; gi.require_version('Gst', '1.0')"):
            return "no python3-gi, python3-numpy or gir1.2-gstreamer-1.0"
    return None


def take_files(folder):
    """Whether all files that were written are good; they go."""
    paths = glob.glob(os.path.join(folder, "*.npy"))
    good = True
    for path in paths:
        with open(path, "rb") as file:
            good = good and file.read(6) == b"\x93NUMPY"
        os.unlink(path)
    return len(paths), good


def run_line(line, exports, folder, env):
    """None where it does what it should, else what went wrong."""
    endless = "autovideosink" in line
    script = "\n".join(exports + [
        f"timeout -s INT {SECONDS_SHOWN} {line}" if endless else line])
    command = (["xvfb-run", "-a"] if endless else []) + ["sh", "-ec", script]
    done = subprocess.run(command, cwd=folder, env=env, text=True, timeout=240,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    n_files, files_are_good = take_files(folder)
    if done.returncode != (124 if endless else 0):
        return f"exit status {done.returncode}\n{done.stdout}"
    if re.search("^ERROR|CRITICAL|WARNING", done.stdout, re.MULTILINE):
        return done.stdout
    if endless and "PLAYING" not in done.stdout:
        return done.stdout
    if ".npy" in line and n_files == 0:
        return "no file was written\n" + done.stdout
    if not files_are_good:
        return "a file that is no .npy was written"
    if line.split()[0] in ("./reader", "python3") and not done.stdout:
        return "nothing was printed"
    return None


def main():
    source, build = (os.path.abspath(path) for path in sys.argv[1:3])
    programs, exports, lines = {}, [], []
    for heading, language, text in read_blocks(os.path.join(source, "README.md")):
        if language in ("c", "python"):
            assert language not in programs, "one program a language"
            programs[language] = text
        elif language == "sh" and heading not in HEADINGS_LEFT_OUT:
            lines += text.splitlines()
    lines = [line for line in lines if line.split()[0] not in WORDS_LEFT_OUT]
    n_tests = sum(not line.startswith("export ") for line in lines)
    print(f"1..{n_tests}", flush=True)

    failed = False
    folder = tempfile.mkdtemp(prefix="readme-", dir=build)
    try:
        prepare_folder(folder, source, build, programs)
        env = clean_environment(folder)
        for line in lines:
            if line.startswith("export "):
                exports.append(line)
                continue
            name = line.replace("#", "\\#")
            reason = reason_to_skip(line, build, env)
            if reason:
                print(f"ok - {name} # SKIP {reason}", flush=True)
                continue
            wrong = run_line(line, exports, folder, env)
            print(f"{'not ok' if wrong else 'ok'} - {name}", flush=True)
            for text in (wrong or "").splitlines():
                print("#", text, flush=True)
            failed = failed or wrong is not None
    finally:
        shutil.rmtree(folder)
    return failed


if __name__ == "__main__":
    sys.exit(main())
