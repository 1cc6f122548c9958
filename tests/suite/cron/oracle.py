"""Cron, a second time: answers when expressions fire according to cronsim.

Reads questions as JSON from standard input: [{"cron", "zone", "from", "count"}, ...], instants in seconds since 1970;
writes for each the list of the next fires after `from`.
"""

import json
import sys
import zoneinfo
from datetime import datetime
from itertools import islice

from cronsim import CronSim

# The zones of the package tzdata, whose release is pinned, not those of this machine.
zoneinfo.reset_tzpath(to=[])


def fires(question):
    begin = datetime.fromtimestamp(question["from"], zoneinfo.ZoneInfo(question["zone"]))
    found = CronSim(question["cron"], begin)
    return [int(fire.timestamp()) for fire in islice(found, question["count"])]


json.dump([fires(question) for question in json.load(sys.stdin)], sys.stdout)
