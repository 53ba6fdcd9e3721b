"""Answers that a neighbour should never give: a proxy's login page, bombs, two gigabytes, and an hour's wait."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Callable
from functools import cache

from starlette.responses import Response, StreamingResponse

RETRY_AFTER_S = 3600
HUGE_BYTES = 2 * 1024**3
BOMB_BYTES = 200 * 1024**2
"""What the compressed bomb unpacks to."""
_CHUNK = b" " * 262_144
_LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Logga in</title></head><body><form method='post'>Logga in igen</form></body></html>"
_XML_BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE lolz [\n <!ENTITY lol0 "lol">\n'
    + "".join(f' <!ENTITY lol{level} "{f"&lol{level - 1};" * 10}">\n' for level in range(1, 10))
    + "]>\n<lolz>&lol9;</lolz>"
)


def _too_many() -> Response:
    return Response("Too Many Requests", status_code=429, headers={"Retry-After": str(RETRY_AFTER_S)}, media_type="text/plain")


def _login_page() -> Response:
    return Response(_LOGIN_PAGE, media_type="text/html")


def _xml_bomb() -> Response:
    return Response(_XML_BOMB, media_type="text/xml")


@cache
def _packed() -> bytes:
    return gzip.compress(b" " * BOMB_BYTES)


def _zip_bomb() -> Response:
    return Response(_packed(), media_type="text/xml", headers={"Content-Encoding": "gzip"})


def _huge() -> Response:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(HUGE_BYTES // len(_CHUNK)):
            yield _CHUNK

    return StreamingResponse(body(), media_type="text/xml")


ANSWERS: dict[str, Callable[[], Response]] = {
    "http_429": _too_many,
    "login_page": _login_page,
    "xml_bomb": _xml_bomb,
    "zip_bomb": _zip_bomb,
    "huge": _huge,
}
"""By the kind of fault that orders them. Nothing of what was asked is done."""
