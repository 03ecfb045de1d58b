#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the documents say is so: every command of their sh blocks is run as it
stands, their C and Python are parts of the examples, plugin/README.md tells every
property as gst-inspect-1.0 does, and what is linked or named is there.  TAP on
standard output.

    test_readme.py SOURCE_ROOT BUILD_ROOT

The commands run in the documents' order, each document's as a reader would run
them in one terminal in the project's folder: a scratch copy of it, with a home of
its own, in which no package is installed.  A command whose comment says that it
takes something (TAKES) is skipped and says so.  The programs that take more than
the bindings (PROGRAMS) are run where VIT_FEATURES_PYTHON, by default python3, has
it."""
import glob
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import textwrap

# Those with commands; README.md builds what the others use.
DOCUMENTS = ("README.md", "plugin/README.md", "examples/README.md", "tests/README.md")
README_LINES = 200
# What a comment may say after "takes": a comma between two.
TAKES = ("a camera", "a network", "minutes", "root")
# Of a command that would not end by itself.
SECONDS_SHOWN = 5
# Where in a file of a type which bytes lie.
MAGIC = {".npy": (0, b"\x93NUMPY"), ".png": (0, b"\x89PNG"), ".safetensors": (8, b'{"'),
         ".jsonl": (0, b'{"')}
EXAMPLES = {"c": "examples/token_reader.c", "python": "examples/tokens.py"}
# What a Python block that is a program of its own begins with.
PROGRAM = "# Takes "
# Each by its name: how it begins, the modules it takes, and what it does.
PROGRAMS = {
    "features": (PROGRAM + "FOLDER URI", ("gi", "numpy", "torch", "transformers"),
                 "gives the model's own features"),
    "encoder": (PROGRAM + "ENCODER", ("gi", "numpy", "onnx", "onnxruntime", "safetensors"),
                "gives the package's own features by ONNX Runtime"),
    "reading": (PROGRAM + "FILE", ("numpy", "safetensors"), "finds the patches of a file"),
    "lines": (PROGRAM + "LINES", ("numpy",), "reads the rows of a file"),
}
# Of every element; no reader needs them explained.
UNTOLD = {"name", "parent"}
LINKED = ("LICENSE", "plugin", "src", "tests")
COPIED = ("meson.build", "meson.options", "meson_options.txt")


class Document:
    def __init__(self, source, path):
        self.path = path
        with open(os.path.join(source, path), encoding="utf-8") as file:
            self.text = file.read()
        # (language, text) of every fenced block.
        self.blocks = re.findall(r"^```(\w*)\n(.*?)^```$", self.text,
                                 re.MULTILINE | re.DOTALL)
        self.commands = [line for language, block in self.blocks if language == "sh"
                         for line in block.splitlines()]
        self.prose = re.sub(r"^```.*?^```$", "", self.text, flags=re.MULTILINE | re.DOTALL)

    def anchors(self):
        """Of its headings, as GitHub makes them."""
        headings = re.findall("^#+ (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
                for heading in headings}


def make_copy(source, folder):
    for name in LINKED:
        os.symlink(os.path.join(source, name), os.path.join(folder, name))
    for name in COPIED:
        shutil.copy(os.path.join(source, name), folder, follow_symlinks=False)
    shutil.copytree(os.path.join(source, "examples"), os.path.join(folder, "examples"))
    # What the quickstart installs is here: the project was built with it.
    with open(os.path.join(folder, "examples/install-packages.sh"), "w") as file:
        file.write("exit 0\n")
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
    if "introspection=enabled" in line or "python3 " in line:
        if not succeeds(env, "pkg-config", "--exists", "gobject-introspection-1.0"):
            return "no gobject-introspection"
    if "python3 " in line and not succeeds(
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
        start, magic = MAGIC[os.path.splitext(name)[1]]
        with open(os.path.join(folder, name), "rb") as file:
            file.seek(start)
            good = good and file.read(len(magic)) == magic
        os.unlink(os.path.join(folder, name))
    return len(names), good


def wrong_quickstart(line, said, folder):
    """None where the table tells what was made, of every frame of the clip, its files
    are there, and three pictures of it lie side by side.  No MODEL has no features."""
    made, dim = ("tokens", 768) if line.startswith("MODEL= ") else ("features", 384)
    table = dict(re.findall(r"^(\S+(?: \S+)*) {2,}(.+)$", said, re.MULTILINE))
    times = {name for name in ("tokens", "features")
             if float(table.get("ms for " + name, "0").split()[0]) > 0}
    if times != {"tokens", made}:
        return "the times in the table are wrong\n" + said
    if (table["frames"], table["embed_dim"]) != ("120", str(dim)):
        return "the table is wrong\n" + said
    files = glob.glob(os.path.join(folder, f"build/{made}/*.npy"))
    with open(files[0], "rb") as file:
        is_right = f"({table['tokens a frame']}, {dim})".encode() in file.read(128)
    if len(files) != 120 or not is_right:
        return f"{len(files)} files, the first right: {is_right}\n" + said
    with open(os.path.join(folder, "build/quickstart.png"), "rb") as file:
        width, height = struct.unpack(">II", file.read(24)[16:])
    if (width, height) != (3 * 480, 360):
        return f"a picture of {width} x {height}\n" + said
    return None


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
    if (not line.startswith("meson setup")
            and re.search("^ERROR|CRITICAL|WARNING", done.stdout, re.MULTILINE)):
        return done.stdout
    if endless and "PLAYING" not in done.stdout:
        return done.stdout
    if "filesink" in line and n_files == 0:
        return "no file was written\n" + done.stdout
    if not files_are_good:
        return "a file that is not of its type was written"
    if program not in ("cc", "rm") and not done.stdout:
        return "nothing was printed"
    return wrong_quickstart(line, done.stdout, folder) if "quickstart" in line else None


def check_no_video(folder, env):
    """The quickstart says so of a file of sound alone."""
    sound = os.path.join(folder, "sound.ogg")
    subprocess.run(["gst-launch-1.0", "-q", "audiotestsrc", "num-buffers=3", "!", "vorbisenc", "!",
                    "oggmux", "!", "filesink", "location=" + sound], env=env, check=True)
    done = subprocess.run(["sh", "examples/quickstart.sh", sound], cwd=folder, env=env, text=True,
                          timeout=300, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode == 1, f"exit status {done.returncode}\n{done.stdout}"
    assert f"{sound}: no video in it\n" in done.stdout, done.stdout


def check_snippets(source, documents):
    """At whatever depth the example has them."""
    for language, path in EXAMPLES.items():
        with open(os.path.join(source, path), encoding="utf-8") as file:
            example = file.read()
        snippets = [text for document in documents for name, text in document.blocks
                    if name == language and not text.startswith(PROGRAM)]
        assert snippets, "no snippet in " + language
        for text in snippets:
            assert any(textwrap.indent(text, " " * depth) in example
                       for depth in range(0, 9, 2)), f"not a part of {path}:\n{text}"


def check_languages(documents):
    """No command hides in a block that nobody looks at."""
    for document in documents:
        for language, text in document.blocks:
            assert language in ("", "sh") + tuple(EXAMPLES), language
            assert language or not re.search("^(sh|gst-|meson)", text, re.MULTILINE), text


def check_mentions(documents):
    """A script that the text names is a command of some block."""
    commands = [line for document in documents for line in document.commands]
    for document in documents:
        for mention in re.findall(r"`((?:\w+=\S+ )*sh [^`]+)`", document.prose):
            assert any(command.startswith(mention) for command in commands), mention


def check_length(documents):
    n_lines = len(documents[0].text.splitlines())
    assert n_lines <= README_LINES, f"README.md has {n_lines} lines"


def check_paths(source, document):
    """Paths in the text are of the project's folder."""
    for name in re.findall(r"`((?:examples|plugin|src|tests)/[\w./-]*)`", document.text):
        assert os.path.exists(os.path.join(source, name)), f"{document.path}: {name}"


def check_links(source):
    """Of every document, those without commands too."""
    paths = ["README.md"] + [os.path.relpath(path, source) for folder in LINKED + ("examples",)
                             for path in glob.glob(os.path.join(source, folder, "**/*.md"),
                                                   recursive=True)]
    documents = {path: Document(source, path) for path in paths}
    assert set(DOCUMENTS) <= set(documents), paths
    for path, document in documents.items():
        check_paths(source, document)
        links = re.findall(r"\]\((?!\w+:)([^)#]*)#?([^)]*)\)", document.prose)
        assert links or path not in DOCUMENTS, path
        for name, anchor in links:
            target = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
            assert os.path.exists(os.path.join(source, target)), f"{path}: {name}"
            assert not anchor or anchor in documents[target].anchors(), f"{path}: {name}#{anchor}"


# What an array of ints with nothing in it stands for.
EMPTY = {"layers": "the last", "points": "none"}


def told_type(name, told):
    """(type, default) as the table of an element says them, of gst-inspect's text."""
    number = re.search(r"(Unsigned Integer(?:64)?|Integer|Double)\. "
                       r"Range: +(\S+) - +(\S+) Default: +(\S+)", told)
    if number:
        kind = {"Unsigned Integer": "uint", "Unsigned Integer64": "uint64", "Integer": "int",
                "Double": "double"}[number[1]]
        has_limit = kind == "double" or int(number[3]) not in (2**31 - 1, 2**64 - 1)
        return kind + (f", {number[2]} to {number[3]}" if has_limit else ""), number[4]
    if 'type "GstStructure"' in told:
        return "structure, read only", "-"
    if "GstValueArray" in told:
        assert re.search('Default: "< *>"', told), told
        if 'of type "gint"' in told:
            return "array of ints", EMPTY[name.split(": ")[1]]
        assert 'of type "gdouble"' in told, told
        return "array of 3 doubles", "the model's"
    kind, default = re.search(r"(Boolean|Enum|String)\b.*Default: (.*)", told).groups()
    if kind == "Enum":
        return "enum", re.sub('.*"(.*)"', r"`\1`", default).strip()
    if kind == "String":
        return "string", "none" if default.strip() == "null" else default.strip().replace('"', "`")
    return "boolean", default.strip()


def told_properties(told):
    """{name: what gst-inspect-1.0 says of it} from what it says of an element."""
    parts = re.split(r"^  ([a-z][\w-]*) *: ", told.split("Element Properties:")[1],
                     flags=re.MULTILINE)
    return {name: text for name, text in zip(parts[1::2], parts[2::2]) if name not in UNTOLD}


def check_row(name, told, row):
    star, kind, default, meaning = row
    assert (kind, default) == told_type(name, told), f"{name}: {kind}, {default}; is {told_type(name, told)}"
    assert bool(star) == ("PLAYING" in told), name + ": when it may be set"
    for value in re.findall(r"^ +\(\d+\): (\S+)", told, re.MULTILINE):
        assert f"`{value}`" in meaning, f"{name}: {value} is not named"


def check_properties(document, build, folder, env):
    env = dict(env, GST_PLUGIN_PATH=os.path.join(build, "plugin", "module"),
               GST_REGISTRY=os.path.join(folder, "registry.bin"))

    def inspect(name):
        return subprocess.run(["gst-inspect-1.0", name], env=env, text=True, check=True,
                              stdout=subprocess.PIPE).stdout

    elements = re.findall(r"^  (vit\w+): ", inspect("vit"), re.MULTILINE)
    assert len(elements) >= 3, elements
    for element in elements:
        section = re.search(f"^## {element}$(.*?)(?=^## )", document.text,
                            re.MULTILINE | re.DOTALL)
        assert section, f"no section {element}"
        rows = {name: rest for name, *rest in re.findall(
            r"^\| `([\w-]+)`( \*)? \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", section[1], re.MULTILINE)}
        told = told_properties(inspect(element))
        assert set(rows) == set(told), f"{element}: {sorted(set(rows) ^ set(told))}"
        for name, row in rows.items():
            check_row(f"{element}: {name}", told[name], row)


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


def run_commands(document, folder, env):
    exports, good = [], True
    for line in document.commands:
        if line.startswith("export "):
            exports.append(line)
            continue
        skip = reason_to_skip(line, env)
        wrong = None if skip else run_line(line, exports, folder, env)
        good = report(f"{document.path}: {line}", wrong, skip) and good
    return good


def run_program(source, documents, folder, env, program):
    """One that no example holds, by the script that knows what it gives."""
    name, (first, modules, claim) = program, PROGRAMS[program]
    text, = (text for document in documents for language, text in document.blocks
             if language == "python" and text.startswith(first))
    env = dict(env, GST_PLUGIN_PATH=os.path.join(folder, "build/plugin/module"))
    with open(os.path.join(folder, name + ".py"), "w", encoding="utf-8") as file:
        file.write(text)
    claim = f"{name}.py {claim}"
    python = env.get("VIT_FEATURES_PYTHON", "python3")
    skip = None
    if "gi" in modules:
        skip = reason_to_skip("python3 features.py", env)
    if not skip and not succeeds(env, python, "-c", "import " + ", ".join(modules)):
        skip = f"{python} lacks one of {', '.join(modules)}"
    if skip:
        return report(claim, skip=skip)
    check = os.path.join(source, f"tests/examples/{name}_example.py")
    done = subprocess.run(["meson", "devenv", "-C", "build", "-w", folder,
                           python, check, name + ".py", folder],
                          cwd=folder, env=env, text=True, timeout=300, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return report(claim, done.stdout if done.returncode else None)


def main():
    source, build = (os.path.abspath(path) for path in sys.argv[1:3])
    documents = [Document(source, path) for path in DOCUMENTS]
    commands = [line for document in documents for line in document.commands]
    print(f"1..{7 + len(PROGRAMS) + sum(not line.startswith('export ') for line in commands)}", flush=True)

    folder = tempfile.mkdtemp(prefix="readme-", dir=build)
    try:
        make_copy(source, folder)
        env = clean_environment(folder)
        good = [
            attempt("the snippets are parts of the examples", check_snippets, source, documents),
            attempt("every block is looked at", check_languages, documents),
            attempt("scripts named in the text are commands", check_mentions, documents),
            attempt("README.md is short", check_length, documents),
            attempt("the files and headings named are there", check_links, source),
            attempt("the tables tell every property", check_properties, documents[1], build,
                    folder, env),
        ]
        good += [run_commands(document, folder, env) for document in documents]
        good.append(attempt("the quickstart tells of a file without video", check_no_video,
                            folder, env))
        good += [run_program(source, documents, folder, env, program) for program in PROGRAMS]
    finally:
        shutil.rmtree(folder)
    return not all(good)


if __name__ == "__main__":
    sys.exit(main())
