"""For Django: its sessions, its tokens against cross-site requests, and our pages.

    site = Site(portal, documents=documents, on_upload=keep)
    urlpatterns = [path("esign/", include(esign_urls(site)))]

The session engine has to keep data on the server (``cache``, ``db``): a session in a signed cookie
cannot be ended by the portal. ``principal_of(request, site)`` says who is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token, rotate_token
from django.urls import re_path
from django.views.decorators.csrf import csrf_protect

from esign_kit.web.site import Answer, Site

if TYPE_CHECKING:
    from esign_kit.model.principal import Principal

__all__ = ["Site", "esign_urls", "principal_of"]


def principal_of(request: HttpRequest, site: Site) -> Principal | None:
    """Return who logged in; ``None`` for everybody else."""
    return site.portal.principal(request.session)


def esign_urls(site: Site) -> list[Any]:
    """Return the patterns of the pages; include them under the site's prefix."""

    def view(request: HttpRequest, rest: str) -> HttpResponse:
        if len(request.body) > site.portal.size * 2:
            return _response(Answer(413, b'{"code": "request.size", "hint": ""}'))
        answer = site.handle(
            request.session,
            str(request.method),
            rest,
            {key.lower(): value for key, value in request.headers.items()},
            request.body,
            token=get_token(request),
        )
        if answer.renew:
            request.session.cycle_key()
            rotate_token(request)
        return _response(answer)

    # The framework compares its token before the view runs, with or without its middleware.
    return [re_path(r"^(?P<rest>[A-Za-z0-9._/-]*)$", csrf_protect(view))]


def _response(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, content_type=answer.media_type)
    for name, value in answer.headers.items():
        response[name] = value
    return response
