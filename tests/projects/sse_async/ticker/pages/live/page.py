import asyncio
import time

from django.http import HttpRequest
from django.utils.html import format_html
from next.partial import Patches, PatchEventStream

MAX_GAP = 120.0
MAX_COUNT = 50


def bounded(text: str | None, default: float, top: float) -> float:
    """Read a number from the query: never below 0, never above top."""
    try:
        return max(0.0, min(top, float(text or default)))
    except ValueError:
        return default


async def ticks(request: HttpRequest, gap: float, count: int):
    for number in range(count):
        if number:
            await asyncio.sleep(gap)
        sent = time.time()
        row = format_html(
            '<li data-next-key="{}" data-sent="{}">{}</li>',
            number,
            sent,
            time.strftime("%H:%M:%S", time.gmtime(sent)),
        )
        yield (
            Patches(request)
            .append({"css": "#ticks"}, row)
            .event("tick", {"number": number, "sent": sent})
        )


def render(request: HttpRequest):
    gap = bounded(request.GET.get("gap"), 0.3, MAX_GAP)
    count = int(bounded(request.GET.get("count"), 10, MAX_COUNT))
    return PatchEventStream(request, ticks(request, gap, count))
