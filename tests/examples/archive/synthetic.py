# SPDX-License-Identifier: MIT
"""Index folders of made-up vectors, for the tests that search them."""
import json
import os
import sys

SECOND = 10**9
MODEL_ID = "made-up#0123456789abcdef"
SETTINGS = {"model": "/nowhere/made-up", "every": SECOND, "what": ["embedding"],
            "max_tokens": 0, "precision": "auto", "fit": "crop", "embedding": "auto",
            "top": 5, "classes": None, "patch_type": "float16"}


def use(source):
    """Has the programs' modules imported from `source`, the project's folder."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, os.path.join(source, "examples/archive"))


def rows_of(video, vectors, times, size=(64, 48)):
    """As table.Writer takes them.  times: ns, None where there is none."""
    return [{"video": video, "frame": number, "pts": time, "stream_time": time,
             "width": size[0], "height": size[1], "embedding": vector, "labels": []}
            for number, (vector, time) in enumerate(zip(vectors, times))]


def write(folder, stem, rows, pictures=False, model_id=MODEL_ID, **settings):
    """One file of an index folder; rows: of rows_of().  Returns its path."""
    import table

    settings = dict(SETTINGS, **settings)
    path = table.frames_path(folder, stem)
    writer = table.Writer(path, len(rows[0]["embedding"]))
    for row in rows:
        writer.add(dict(row, model_id=model_id, settings=json.dumps(settings, sort_keys=True)))
    names = dict.fromkeys(row["video"] for row in rows)
    writer.finish({"sources": [[name, 1, 1] for name in names], "settings": settings,
                  "model_id": model_id, "classes": None, "pictures": pictures,
                  "patches": False})
    writer.close()
    return path
