#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What README.md says is so: every command of its sh blocks is run as it stands,
its C and Python are parts of the examples, its tables name every property, and
the files that it names are there.  TAP on standard output.

    test_readme.py SOURCE_ROOT BUILD_ROOT

The commands run in README.md's order, as a reader would run them in one terminal
in the project's folder: a scratch copy of it, with a home of its own, in which
no package is installed.  A command whose comment says that it takes something
(TAKES) is skipped and says so."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

# What a comment may say after "takes": a comma between two.
TAKES = ("a camera", "a network", "minutes", "root")
# Of a command that would not end by itself.
SECONDS_SHOWN = 5
MAGIC = {".npy": b"\x93NUMPY", ".png": b"\x89PNG"}
EXAMPLES = {"c": "examples/token_reader.c", "python": "examples/tokens.py"}
LINKED = ("LICENSE", "plugin", "src", "tests")
COPIED = ("meson.build", "meson.options", "meson_options.txt")


def read_blocks(text):
    """(language, text) of every fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def make_copy(source, folder):
    for name in LINKED:
        os.symlink(os.path.join(source, name), os.path.join(folder, name))
    for name in COPIED:
        shutil.copy(os.path.join(source, name), folder, follow_symlinks=False)
    shutil.copytree(os.path.join(source, "examples"), os.path.join(folder, "examples"))
    # What the quickstart installs is here: the project was built with it.
    with open(os.path.join(folder, "examples/install-packages.sh"), "w") as file:
        file.write("exit 0\n")
    shutil.copy(os.path.join(source, "tests/golden/dino-p16/model.safetensors"),
                os.path.join(folder, "dino.safetensors"))
    os.mkdir(os.path.join(folder, "home"))


def clean_environment(folder):
    """Nothing of this project's is found but by what README.md says."""
    names = ("GST_PLUGIN_PATH", "LD_LIBRARY_PATH", "PKG_CONFIG_PATH", "GI_TYPELIB_PATH",
             "GST_REGISTRY", "GST_REGISTRY_FORK", "G_DEBUG", "DISPLAY", "WAYLAND_DISPLAY",
             "XDG_CACHE_HOME", "DESTDIR", "MODEL", "MODE")
    env = {k: v for k, v in os.environ.items() if k not in names}
    env["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin:" + env.get("PATH", "")
    env["HOME"] = os.path.join(folder, "home")
    # autovideosink tries it too, which takes minutes where no graphics card is.
    env["GST_PLUGIN_FEATURE_RANK"] = "kmssink:NONE"
    return env


def succeeds(env, *command):
    try:
        return subprocess.run(command, env=env, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def reason_to_skip(line, env):
    """None where it can run here.  What it "takes" must be of TAKES."""
    marked = re.search(r"#.*\btakes (.+)$", line)
    if marked:
        unknown = set(marked[1].split(", ")) - set(TAKES)
        assert not unknown, f"{unknown}: not of {TAKES}"
        return "takes " + marked[1]
    if "autovideosink" in line:
        if not shutil.which("xvfb-run", path=env["PATH"]):
            return "no xvfb-run"
        if not succeeds(env, "gst-inspect-1.0", "--exists", "ximagesink"):
            return "no ximagesink (gstreamer1.0-x)"
    if "introspection=enabled" in line or line.startswith("python3 "):
        if not succeeds(env, "pkg-config", "--exists", "gobject-introspection-1.0"):
            return "no gobject-introspection"
    if line.startswith("python3 ") and not succeeds(
            env, "python3", "-c", "import numpy, gi; gi.require_version('Gst', '1.0'); "
            "from gi.repository import Gst; import gi.overrides.Gst"):
        return "no python3-gi, python3-gst-1.0 or python3-numpy"
    if "kernel-loops" in line and not (os.uname().machine == "x86_64"
                                       and shutil.which("objdump", path=env["PATH"])):
        return "no objdump, or no x86-64"
    return None


def take_files(folder, names_before):
    """(how many were written, whether those of a known type are good); they go."""
    names = [name for name in os.listdir(folder) if name not in names_before
             and os.path.splitext(name)[1] in MAGIC]
    good = True
    for name in names:
        magic = MAGIC[os.path.splitext(name)[1]]
        with open(os.path.join(folder, name), "rb") as file:
            good = good and file.read(len(magic)) == magic
        os.unlink(os.path.join(folder, name))
    return len(names), good


def run_line(line, exports, folder, env):
    """None where it does what it should, else what went wrong."""
    endless = "autovideosink" in line
    script = "\n".join(exports + [
        f"timeout -s INT {SECONDS_SHOWN} {line}" if endless else line])
    # A server that resets when its last client goes signals xvfb-run, which may
    # then fail to clean up.
    display = ["xvfb-run", "-a", "-s", "-screen 0 1280x1024x24 -noreset"]
    command = (display if endless else []) + ["sh", "-ec", script]
    before = set(os.listdir(folder))
    done = subprocess.run(command, cwd=folder, env=env, text=True, timeout=900,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL)
    n_files, files_are_good = take_files(folder, before)
    if done.returncode != (124 if endless else 0):
        return f"exit status {done.returncode}\n{done.stdout}"
    program = re.sub(r"^(\w+=\S+ )*", "", line).split()[0]
    if program != "meson" and re.search("^ERROR|CRITICAL|WARNING", done.stdout, re.MULTILINE):
        return done.stdout
    if endless and "PLAYING" not in done.stdout:
        return done.stdout
    if "filesink" in line and n_files == 0:
        return "no file was written\n" + done.stdout
    if not files_are_good:
        return "a file that is not of its type was written"
    if program not in ("cc", "rm") and not done.stdout:
        return "nothing was printed"
    if "quickstart" in line and not os.path.exists(os.path.join(folder, "build/quickstart.png")):
        return "no picture was drawn\n" + done.stdout
    return None


def check_snippets(source, blocks):
    for language, path in EXAMPLES.items():
        with open(os.path.join(source, path), encoding="utf-8") as file:
            example = file.read()
        snippets = [text for name, text in blocks if name == language]
        assert snippets, "no snippet in " + language
        for text in snippets:
            assert text in example, "not a part of " + path


def check_languages(blocks):
    """No command hides in a block that nobody looks at."""
    for language, text in blocks:
        assert language in ("", "sh") + tuple(EXAMPLES), language
        assert language or not re.search("^(sh|gst-|meson)", text, re.MULTILINE), text


def check_mentions(text, commands):
    """A script that the text names is a command of some block."""
    for mention in re.findall(r"`((?:\w+=\S+ )*sh [^`]+)`", text):
        assert any(command.startswith(mention) for command in commands), mention


def check_files(source, text):
    names = set(re.findall(r"\]\(([^)#:]+)\)", text))
    names |= set(re.findall(r"`((?:examples|plugin|src|tests)/[\w./-]*)`", text))
    assert len(names) > 5
    for name in sorted(names):
        assert os.path.exists(os.path.join(source, name)), name
    headings = re.findall("^#+ (.+)$", text, re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    for anchor in re.findall(r"\]\(#([^)]+)\)", text):
        assert anchor in anchors, anchor


def properties_said(text, element):
    section = re.search(f"^### {element}$(.*?)^##", text, re.MULTILINE | re.DOTALL)[1]
    rows = re.findall(r"^\| (`[^|]+)\|", section, re.MULTILINE)
    return {name for row in rows for name in re.findall("`([^`]+)`", row)}


def check_properties(text, build, folder, env):
    env = dict(env, GST_PLUGIN_PATH=os.path.join(build, "plugin", "module"),
               GST_REGISTRY=os.path.join(folder, "registry.bin"))
    for element in ("vitpatchembed", "vittokenoverlay"):
        told = subprocess.run(["gst-inspect-1.0", element], env=env, text=True, check=True,
                              stdout=subprocess.PIPE).stdout
        properties = set(re.findall(r"^  ([a-z-]+) *: ", told.split("Element Properties:")[1],
                                    re.MULTILINE)) - {"name", "parent", "qos"}
        said = properties_said(text, element)
        assert said == properties, f"{element}: {sorted(said ^ properties)}"


def report(name, wrong=None, skip=None):
    # Meson takes what follows even an escaped # for no directive.
    print("not ok" if wrong else "ok", "-", re.sub(r"\s+#.*", "", name),
          f"# SKIP {skip}" if skip else "", flush=True)
    for text in (wrong or "").splitlines():
        print("#", text, flush=True)
    return wrong is None


def attempt(name, check, *arguments):
    try:
        check(*arguments)
    except AssertionError as error:
        return report(name, str(error) or "wrong")
    return report(name)


def run_commands(commands, folder, env):
    exports, good = [], True
    for line in commands:
        if line.startswith("export "):
            exports.append(line)
            continue
        skip = reason_to_skip(line, env)
        wrong = None if skip else run_line(line, exports, folder, env)
        good = report(line, wrong, skip) and good
    return good


def main():
    source, build = (os.path.abspath(path) for path in sys.argv[1:3])
    with open(os.path.join(source, "README.md"), encoding="utf-8") as file:
        text = file.read()
    blocks = read_blocks(text)
    commands = [line for language, block in blocks if language == "sh"
                for line in block.splitlines()]
    print(f"1..{5 + sum(not line.startswith('export ') for line in commands)}", flush=True)

    folder = tempfile.mkdtemp(prefix="readme-", dir=build)
    try:
        make_copy(source, folder)
        env = clean_environment(folder)
        good = [
            attempt("the snippets are parts of the examples", check_snippets, source, blocks),
            attempt("every block is looked at", check_languages, blocks),
            attempt("scripts named in the text are commands", check_mentions, text, commands),
            attempt("the files and headings named are there", check_files, source, text),
            attempt("the tables name every property", check_properties, text, build, folder, env),
            run_commands(commands, folder, env),
        ]
    finally:
        shutil.rmtree(folder)
    return not all(good)


if __name__ == "__main__":
    sys.exit(main())
