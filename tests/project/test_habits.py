#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""GStreamer's habits: what gst-inspect-1.0 lists of our elements is documented
where it is installed, with Since; the launch lines of an element's documentation
run as they stand; every message of an element has a debug text, and is logged in the
element's category.  TAP on standard output.

    test_habits.py SOURCE_ROOT BUILD_ROOT"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

# Of the base classes.
INHERITED = {"name", "parent", "qos"}
SINCE = re.compile(r"^Since: \d+\.\d+$", re.MULTILINE)
BLOCK = re.compile(r"/\*\*\n(.*?)\*/\s*", re.DOTALL)
# A model that launch lines name: a whole one of its family, from the golden data.
MODELS = {"dinov2-small": "tests/golden/features/hf-dinov2-giant"}
# What posts a message, by which of its arguments is the debug text.
MESSAGES = {"GST_ELEMENT_ERROR": 4, "GST_ELEMENT_WARNING": 4, "GST_ELEMENT_INFO": 4,
            "GST_VIT_ELEMENT_ERROR": 2, "gst_element_message_full": 5}
LOGS = re.compile(r"\bGST_(VIT_)?(ELEMENT_)?(ERROR|WARNING|FIXME|INFO|DEBUG|LOG|TRACE|MEMDUMP)"
                  r"(_OBJECT)? \(")
NO_TEXT = {"NULL", "(NULL)", '("")', '""'}


class Source:
    def __init__(self, root, path):
        self.path = path
        with open(os.path.join(root, path), encoding="utf-8") as file:
            self.text = file.read()
        # (name, prose, what the code behind it begins with)
        self.blocks = []
        for block in BLOCK.finditer(self.text):
            lines = [re.sub(r"^\s*\* ?", "", line) for line in block[1].splitlines()]
            self.blocks.append((lines[0].rstrip(":"), "\n".join(lines[1:]).strip(),
                                self.text[block.end():]))


def read_sources(root):
    return [Source(root, os.path.relpath(os.path.join(folder, name), root))
            for folder, _, names in sorted(os.walk(os.path.join(root, "plugin")))
            for name in sorted(names) if name.endswith((".c", ".h"))]


def arguments(text):
    """Those of a call, from behind its opening parenthesis."""
    found, depth, start = [], 0, 0
    for token in re.finditer(r'"(?:\\.|[^"\\])*"|[(),]', text):
        if token[0] == "," and depth == 0 or token[0] == ")" and depth == 0:
            found.append(" ".join(text[start:token.start()].split()))
            start = token.end()
            if token[0] == ")":
                return found
        depth += {"(": 1, ")": -1}.get(token[0], 0)
    raise AssertionError("a call without an end")


class Element:
    def __init__(self, name, env):
        self.name = name
        told = subprocess.run(["gst-inspect-1.0", name], env=env, text=True, check=True,
                              stdout=subprocess.PIPE).stdout
        self.type = re.findall(r"\+----(\w+)$", told, re.MULTILINE)[-1]
        parts = re.split(r"^  ([a-z][\w-]*) *: ", told.split("Element Properties:")[1],
                         flags=re.MULTILINE)
        # {name: what is said of it}
        self.properties = {key: text for key, text in zip(parts[1::2], parts[2::2])
                           if key not in INHERITED}


def check_properties(element, sources):
    blocks = {name: (prose, code) for source in sources for name, prose, code in source.blocks}
    for name, told in element.properties.items():
        key = f"{element.type}:{name}"
        assert key in blocks, f"{key} has no block"
        prose, code = blocks[key]
        install = re.match(r"g_object_class_install_property \(", code)
        assert install, f"{key}: its block is not where it is installed"
        assert f'"{name}"' in code[:code.index(";")], f"{key}: its block is another's"
        assert SINCE.search(prose), f"{key} has no Since"
        blurb = told.splitlines()[0]
        assert len(prose) > len(blurb), f"{key}: its block says less than its blurb"


def check_installs(elements, sources):
    """None but those that are listed, so that none was overlooked."""
    count = sum(len(re.findall(r"\bg_object_class_install_property \(", source.text))
                for source in sources)
    listed = sum(len(element.properties) for element in elements)
    assert count == listed, f"{count} are installed, {listed} are listed"
    for source in sources:
        for call in re.finditer(r"g_object_class_install_properties|g_signal_new\w*", source.text):
            raise AssertionError(f"{source.path}: {call[0]} is not looked at here")


def check_enums(elements, sources):
    blocks = {name: prose for source in sources for name, prose, _ in source.blocks}
    names = set()
    for element in elements:
        for key, told in element.properties.items():
            enum = re.search(r'Enum "(\w+)"', told)
            if not enum:
                continue
            names.add(enum[1])
            values = re.findall(r"^ +\(\d+\): (\S+) +- (.*)$", told, re.MULTILINE)
            assert values, f"{element.name}: {key} has no values"
            for nick, text in values:
                assert not re.fullmatch("[A-Z0-9_]+", text), f"{key}={nick}: {text} is no text"
                value = "_" + nick.upper().replace("-", "_") + ": "
                assert value in blocks.get(enum[1], ""), f"{enum[1]}: {nick} is not described"
    for name in names:
        assert SINCE.search(blocks[name]), f"{name} has no Since"
    assert len(names) >= 6, names


def section_of(element, sources):
    sections = [prose for source in sources for name, prose, _ in source.blocks
                if name == f"SECTION:element-{element.name}"]
    assert len(sections) == 1, f"{len(sections)} sections of {element.name}"
    return sections[0]


def check_section(element, sources):
    section = section_of(element, sources)
    assert f"@title: {element.name}" in section
    assert "@short_description: " in section
    assert SINCE.search(section), "no Since"
    # Which properties it names there are.
    for kind, name in re.findall(r"#(GstVit\w+):([\w-]+)", section):
        assert kind != element.type or name in element.properties, name


def check_launch_lines(element, sources, env, source_root):
    lines = re.findall(r"^gst-launch-1\.0 .*$", section_of(element, sources), re.MULTILINE)
    assert lines, "no launch line"
    # A window needs a display, and stays until it is closed.
    shown = [line for line in lines if "autovideosink" not in line]
    assert shown, "no launch line that ends"
    for line in shown:
        folder = tempfile.mkdtemp(prefix="launch-")
        for name, model in MODELS.items():
            os.symlink(os.path.join(source_root, model), os.path.join(folder, name))
        try:
            done = subprocess.run(["sh", "-ec", line], cwd=folder, env=env, text=True,
                                  timeout=120, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            files = [name for name in os.listdir(folder) if name not in MODELS
                     and os.path.getsize(os.path.join(folder, name)) > 0]
        finally:
            shutil.rmtree(folder)
        assert done.returncode == 0, f"{line}\n{done.stdout}"
        assert not re.search("^ERROR|CRITICAL|WARNING", done.stdout, re.MULTILINE), done.stdout
        assert "filesink" not in line or files, f"{line}\nwrites no file"


def check_messages(sources):
    count = 0
    for source in sources:
        for call in re.finditer(r"\b(%s) \(" % "|".join(MESSAGES), source.text):
            place = f"{source.path}:{source.text.count(chr(10), 0, call.start()) + 1}: {call[1]}"
            given = arguments(source.text[call.end():])
            count += 1
            assert len(given) > MESSAGES[call[1]], f"{place} lacks arguments"
            assert given[MESSAGES[call[1]]] not in NO_TEXT, f"{place} has no debug text"
    assert count >= 10, f"only {count} were looked at"


def check_categories(sources):
    """GStreamer's own, `default`, is not that which GST_DEBUG=vitencoder:5 asks for."""
    logging = [source for source in sources
               if source.path.endswith(".c") and LOGS.search(source.text)]
    assert len(logging) >= 5, logging
    for source in logging:
        assert "#define GST_CAT_DEFAULT " in source.text, f"{source.path} names no category"


def attempt(name, check, *arguments_of_check):
    wrong = None
    try:
        check(*arguments_of_check)
    except AssertionError as error:
        wrong = str(error) or "wrong"
    print("not ok" if wrong else "ok", "-", name, flush=True)
    for line in (wrong or "").splitlines():
        print("#", line, flush=True)
    return wrong is None


def main():
    source_root, build = (os.path.abspath(path) for path in sys.argv[1:3])
    sources = read_sources(source_root)
    env = dict(os.environ, GST_PLUGIN_PATH=os.path.join(build, "plugin", "module"),
               LD_LIBRARY_PATH=os.path.join(build, "plugin"))
    listed = subprocess.run(["gst-inspect-1.0", "vit"], env=env, text=True, check=True,
                            stdout=subprocess.PIPE).stdout
    elements = [Element(name, env)
                for name in re.findall(r"^  (vit\w+): ", listed, re.MULTILINE)]
    assert len(elements) >= 3, listed
    print(f"1..{4 + 3 * len(elements)}", flush=True)
    good = [
        attempt("no property is installed that is not listed", check_installs, elements, sources),
        attempt("every enum is described in words", check_enums, elements, sources),
        attempt("every message has a debug text", check_messages, sources),
        attempt("every message is logged in the element's category", check_categories,
                sources),
    ]
    for element in elements:
        good += [
            attempt(f"every property of {element.name} has its block", check_properties,
                    element, sources),
            attempt(f"{element.name} has its section", check_section, element, sources),
            attempt(f"the launch lines of {element.name} run", check_launch_lines,
                    element, sources, env, source_root),
        ]
    return not all(good)


if __name__ == "__main__":
    sys.exit(main())
