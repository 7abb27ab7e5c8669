"""The page for a person at `/`: static files of ours, nothing from elsewhere, and a policy that holds the browser to it."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import Response

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"}
KINDS = {"page.html": "text/html; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "page.css": "text/css; charset=utf-8"}

router = APIRouter()


def _asset(name: str) -> Response:
    text = files("corpus_tuner.serve").joinpath(name).read_text(encoding="utf-8")
    return Response(text, headers=HEADERS, media_type=KINDS[name])


@router.get("/")
def page() -> Response:
    """The page."""
    return _asset("page.html")


@router.get("/page.js")
def script() -> Response:
    """Its script."""
    return _asset("page.js")


@router.get("/page.css")
def style() -> Response:
    """Its style."""
    return _asset("page.css")
