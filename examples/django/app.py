"""A Django project in one file, with login by key."""

from __future__ import annotations

import sys
from pathlib import Path
from secrets import token_urlsafe
from wsgiref.simple_server import make_server

from django.conf import settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import common

given = common.options()
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    LOGGING_CONFIG=None,
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    ROOT_URLCONF=__name__,
    SECRET_KEY=token_urlsafe(32),
    # On the server, so that the portal can end a session. Behind https: SESSION_COOKIE_SECURE too.
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    SESSION_COOKIE_SAMESITE="Lax",
    USE_TZ=True,
)

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from esign_kit.web.django import Site, esign_urls, principal_of

site = Site(common.portal(given), documents=common.documents, on_upload=common.keeper(given.keep))


def home(request: HttpRequest) -> HttpResponse:
    """Show who is there."""
    return HttpResponse(common.front_page(principal_of(request, site)))


urlpatterns = [path("", home), path("esign/", include(esign_urls(site)))]


if __name__ == "__main__":
    make_server("127.0.0.1", given.port, get_wsgi_application()).serve_forever()
