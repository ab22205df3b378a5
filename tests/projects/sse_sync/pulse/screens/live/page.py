import os
import time

from django.http import HttpRequest
from next.partial import Patches, PatchEventStream

MAX_GAP = 120.0
MAX_COUNT = 50


def bounded(text: str | None, default: float, top: float) -> float:
    """Read a number from the query: never below 0, never above top."""
    try:
        return max(0.0, min(top, float(text or default)))
    except ValueError:
        return default


def beats(request: HttpRequest, gap: float, count: int):
    for number in range(count):
        if number:
            time.sleep(gap)
        load = f"{os.getloadavg()[0]:.2f}"
        yield (
            Patches(request)
            .inner({"css": "#load"}, load)
            .event("beat", {"number": number, "sent": time.time()})
        )


def render(request: HttpRequest):
    gap = bounded(request.GET.get("gap"), 0.3, MAX_GAP)
    count = int(bounded(request.GET.get("count"), 10, MAX_COUNT))
    return PatchEventStream(request, beats(request, gap, count))
