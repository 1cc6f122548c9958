"""Shapes the requests of schemathesis: whoever asks to wait for a job's end waits briefly.

The document allows waits of up to a minute, and the jobs of a queue that another request has paused never end.
"""

import re

import schemathesis

SECONDS = {"ms": 0.001, "s": 1, "": 1, "m": 60}


@schemathesis.hook
def before_call(_context, case, _kwargs):
    query = case.query or {}
    wait = re.fullmatch(r"([0-9.]+)(ms|s|m|)", str(query.get("wait")), re.ASCII)
    # What is out of bounds is sent as it is, for it shall be refused.
    if wait and 0.1 < float(wait[1]) * SECONDS[wait[2]] <= 60:
        query["wait"] = "100ms"
