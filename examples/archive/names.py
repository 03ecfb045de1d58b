# SPDX-License-Identifier: MIT
"""Names and times of the table, as people and GStreamer read them."""
import errno
import os
import pathlib
import re
import unicodedata

import settings
import sources

# Of a URI that a page may lead to, and that is opened for it.
LINKED = ("file", "http", "https")
# Control characters, what turns the direction of text, halves of pairs, line ends.
HIDDEN = ("Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp")


def shown(name):
    """As one line of text in which nothing is hidden."""
    return "".join(f"\\u{{{ord(character):x}}}" if unicodedata.category(character) in HIDDEN
                   else character for character in name)


def position(time):
    """ns as hours, minutes and seconds: 1:02:03.456."""
    milliseconds = round(time / 10**6)
    minutes, rest = divmod(milliseconds, 60000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def moment(text):
    """ns of "83.5", "1:23.5", "0:01:23.5", or of what settings.nanoseconds() reads."""
    found = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)", text)
    if not found:
        return settings.nanoseconds(text)
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return round((3600 * hours + 60 * minutes + seconds) * 10**9)


def _path(name):
    """Of a file that table.text() told; bytes that are no UTF-8 are escaped there."""
    if not os.path.lexists(name):
        was = os.fsdecode(re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes.fromhex(
            found[1].decode()), os.fsencode(name)))
        if os.path.lexists(was):
            return was
    return name


def uri(name):
    """Of a video as the table has it, or a path."""
    return name if sources.is_uri(name) else pathlib.Path(os.path.abspath(_path(name))).as_uri()


def _linked(name):
    """Its URI, or None of a kind that no page should open."""
    found = uri(name)
    return found if found.split(":")[0].lower() in LINKED else None


def opened(name):
    """The URI of a video that nobody named but the table, for a pipeline.  Raises OSError
    where it is of another kind, a camera, or of what is no regular file: whoever opens a
    pipe may wait for ever."""
    found = _linked(name)
    if found is None:
        raise OSError(errno.EINVAL, "it is neither a file nor on the web", name)
    sources.of_name(found)
    return found


def link(name, time):
    """A URI with its position for a page, or None of a kind that no page should open.
    time: ns, None without one."""
    found = _linked(name)
    if found is None:
        return None
    return found if time is None else f"{found.split('#')[0]}#t={time / 1e9:.3f}"
