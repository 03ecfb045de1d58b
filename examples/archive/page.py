# SPDX-License-Identifier: MIT
"""The hits of a search as one HTML page that needs nothing beside it: no script, the
thumbnails in it, light or dark as the reader's system is.

Every name is text of strangers: all are escaped, and a page leads to files and web
addresses alone."""
import base64
import collections
import html

import names

# name: of the video; time: ns or None; first, last: of the stretch, ns or None; labels:
# [(label, probability)]; thumbnail: JPEG, or a text that tells why there is none.
Entry = collections.namedtuple("Entry", "name time first last score labels thumbnail")

STYLE = """
:root { color-scheme: light dark;
  --page: #f6f6f4; --card: #fff; --ink: #1c1d1f; --dim: #5d6168; --line: #dcdcd8;
  --mark: #0b6e63; --empty: #e7e7e3; }
@media (prefers-color-scheme: dark) { :root {
  --page: #131416; --card: #1d1f22; --ink: #ececea; --dim: #a2a6ad; --line: #34373c;
  --mark: #5fd0bf; --empty: #2a2d31; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 92rem; padding: 2rem 1.5rem 4rem; background: var(--page);
  color: var(--ink); font: 16px/1.45 system-ui, sans-serif; }
header { display: flex; gap: 1.25rem; align-items: center; margin-bottom: 1.75rem; }
header img { width: 10rem; border-radius: .5rem; }
h1 { margin: 0 0 .3rem; font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
header p { margin: 0; color: var(--dim); overflow-wrap: anywhere; }
ol { display: grid; grid-template-columns: repeat(auto-fill, minmax(15.5rem, 1fr));
  gap: 1.25rem; margin: 0; padding: 0; list-style: none; }
li { display: flex; flex-direction: column; background: var(--card); overflow: hidden;
  border: 1px solid var(--line); border-radius: .75rem; }
.picture { display: flex; aspect-ratio: 4 / 3; align-items: center; justify-content: center;
  background: var(--empty); color: var(--dim); text-decoration: none; }
.picture img { width: 100%; height: 100%; object-fit: contain; }
.picture span { padding: 1rem; font-size: .85rem; text-align: center;
  overflow-wrap: anywhere; }
.about { padding: .8rem 1rem 1rem; }
h2 { margin: 0 0 .5rem; font-size: 1rem; line-height: 1.3; overflow-wrap: anywhere; }
h2 small { color: var(--dim); font-weight: 400; margin-right: .35rem; }
a { color: inherit; text-decoration-color: var(--mark); text-underline-offset: .2em; }
a:hover { color: var(--mark); }
a:focus-visible { outline: 3px solid var(--mark); outline-offset: -3px; }
h2 a:focus-visible { outline-offset: 2px; border-radius: .2rem; }
.score { display: flex; gap: .6rem; align-items: center; margin: 0 0 .5rem;
  font-variant-numeric: tabular-nums; }
.bar { flex: 1; height: .35rem; border-radius: .2rem; background: var(--empty); }
.bar i { display: block; height: 100%; border-radius: .2rem; background: var(--mark); }
dl { display: grid; grid-template-columns: auto 1fr; gap: .1rem .75rem; margin: 0;
  font-size: .9rem; font-variant-numeric: tabular-nums; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
.path { margin: .5rem 0 0; color: var(--dim); font-size: .8rem; overflow-wrap: anywhere; }
"""


def text(name):
    """As HTML, in an attribute too."""
    return html.escape(names.shown(name), quote=True)


def image(jpeg, alt):
    return (f'<img alt="{text(alt)}" '
            f'src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">')


def short(name):
    return name.rstrip("/").rpartition("/")[2] or name


def linked(target, inside, attributes=""):
    if target is None:
        return f"<span{attributes}>{inside}</span>"
    return f'<a{attributes} href="{text(target)}">{inside}</a>'


def facts(entry):
    found = []
    if entry.time is not None:
        found.append(("Time", names.position(entry.time)))
    if entry.first is not None and entry.last > entry.first:
        found.append(("Stretch", f"{names.position(entry.first)} – "
                      f"{names.position(entry.last)}"))
    if entry.labels:
        found.append(("Labels", ", ".join(f"{label} {score:.2f}"
                                          for label, score in entry.labels)))
    return "".join(f"<dt>{name}</dt><dd>{text(value)}</dd>" for name, value in found)


def card(number, entry):
    what = f"{short(entry.name)} at {names.position(entry.time)}" \
        if entry.time is not None else short(entry.name)
    picture = (image(entry.thumbnail, f"Frame of {what}")
               if isinstance(entry.thumbnail, bytes)
               else f"<span>No picture: {text(entry.thumbnail)}</span>")
    target = names.link(entry.name, entry.time)
    share = min(max(entry.score, 0), 1) * 100
    # The picture leads where its heading does: one stop for the keyboard is enough.
    return f"""<li>
{linked(target, picture, ' class="picture"' + ' tabindex="-1"' * (target is not None))}
<div class="about">
<h2><small>{number}</small>{linked(target, text(what))}</h2>
<p class="score">{entry.score:.4f}<span class="bar"><i style="width:{share:.1f}%"></i></span></p>
<dl>{facts(entry)}</dl>
<p class="path">{text(entry.name)}</p>
</div>
</li>"""


def render(title, about, entries, picture=None):
    """The page, as text.  title: what was searched for; about: a line on the index;
    picture: JPEG of the query, or None."""
    cards = "\n".join(card(number, entry) for number, entry in enumerate(entries, 1))
    query = image(picture, "What was searched for") if picture else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{text(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
{query}
<div>
<h1>{text(title)}</h1>
<p>{text(about)}</p>
</div>
</header>
<main>
<ol aria-label="Hits, the most similar first">
{cards}
</ol>
</main>
</body>
</html>
"""
