"""A Starlette application with login by key. For FastAPI it is the same ``add_middleware``."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import common

from esign_kit.web.asgi import EsignMiddleware


async def home(request: Request) -> HTMLResponse:
    """Show who is there."""
    return HTMLResponse(common.front_page(request.scope["esign"].principal))


def main() -> None:
    """Serve on this machine."""
    given = common.options()
    esign = Middleware(
        EsignMiddleware,
        portal=common.portal(given),
        documents=common.documents,
        on_upload=common.keeper(given.keep),
    )
    app = Starlette(routes=[Route("/", home)], middleware=[esign])
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_level="info")


if __name__ == "__main__":
    main()
