"""Liveness: this process answers. No database, no cache, no layout, no cookie.

Made by nextwizard; an edit here survives `nextwizard regenerate`.
"""

from django.http import HttpRequest, JsonResponse


def render(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """Answer at once; what stands behind is the readiness page's business."""
    return JsonResponse({"status": "ok"})
