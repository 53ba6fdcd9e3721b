"""The transport that all connectors share."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from yarl import URL

from connectors.errors import ConnectorError, RetriableError
from connectors.masking import holds_identity
from connectors.transport import failures
from connectors.transport.answer import Answer, to_json
from connectors.transport.breaker import Breaker, Passage, Position
from connectors.transport.failures import Failure
from connectors.transport.retries import asked_to_wait, retrying
from connectors.transport.settings import TransportSettings
from connectors.transport.tally import Tallies, Tally
from connectors.transport.wire import Reply, Wire, WireError, read_body

Params = Mapping[str, str | int | Sequence[str]]
_WEB_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_ADDRESSES_KEPT = 512
_AS_IT_IS = re.compile("[A-Za-z0-9/_~-]*")
"""An address in which there is nothing to quote or to resolve, as nearly every one is."""
_JSON = {"content-type": "application/json"}
_HEADERS = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "bistandsrobot"}


@dataclass(slots=True, repr=False)
class _Call:
    """One question and how far it has come."""

    method: str
    target: str
    content: bytes | None
    headers: Mapping[str, str] | None
    repeatable: bool
    expected: Collection[int]
    content_types: Collection[str] | None
    limit: asyncio.Timeout | None = None
    sent: bool = False


class Transport:
    """One neighbour: one long-lived session, a bounded pool, and every limit of `TransportSettings`.

    Error texts hold a code and a fixed sentence: never an address, a header, a body or an identity.
    """

    def __init__(
        self,
        base_url: str,
        settings: TransportSettings,
        *,
        neighbour: str,
        headers: Mapping[str, str] | None = None,
        tallies: Tallies = Tally,
    ) -> None:
        """`tallies` = where what comes of the questions is counted; else nobody sees it."""
        self.neighbour = neighbour
        base = _checked(base_url, neighbour)
        self._origin, self._path = str(base.origin()), base.raw_path.rstrip("/")
        self._settings = settings
        sent_always = _HEADERS | {name.lower(): value for name, value in (headers or {}).items()}
        self._wire = Wire(base, settings, sent_always, neighbour)
        self._closed = False
        self._address = lru_cache(_ADDRESSES_KEPT)(self._new_address)  # one case's addresses are asked many times
        self._free = asyncio.Semaphore(settings.pool_size)
        self._breaker = Breaker(
            neighbour, failures_to_open=settings.breaker_failures, open_s=settings.breaker_open_s, monotonic=time.monotonic
        )
        self._tally = tallies(neighbour)
        self._tally.follow(self._breaker)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        content: bytes | None = None,
        json: object | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool,
        expected: Collection[int] = (200,),
        content_types: Collection[str] | None = None,
        total_timeout_s: float | None = None,
    ) -> Answer:
        """Return the answer when its status is one of `expected`.

        `repeatable` True (a read): tried again on passing failures. False (a write): sent at most once by anything.
        `content_types`: what an answer with a body may be; None = anything but a web page. An expected status of 500 or more with
        another type counts as a server error.
        Raises RetriableError (`unknown_outcome` when a write may have taken effect), or PermanentError when it is no use to ask again.
        """
        if json is not None:
            if content is not None:
                raise ValueError("a request has one body: content or json")
            content, headers = to_json(json), _JSON if headers is None else {**_JSON, **headers}
        call = _Call(method, self._target(path, params), content or None, headers, repeatable, expected, content_types)
        total_s = self._settings.total_timeout_s if total_timeout_s is None else total_timeout_s
        try:
            async with asyncio.timeout(total_s) as call.limit:
                if not repeatable:
                    return await self._once(call)
                return await self._repeated(call, total_s)
        except TimeoutError:
            if not call.sent:
                self._tally.failed(failures.POOL_BUSY.code)
            raise self._error(call, failures.TOO_SLOW if call.sent else failures.POOL_BUSY) from None
        except ConnectorError as exc:
            if not call.sent:
                self._tally.failed(exc.code)
            raise

    async def aclose(self) -> None:
        """Close the connections; questions still out get an error."""
        self._closed = True
        self._tally.let_go(self._breaker)
        await self._wire.aclose()

    def _target(self, path: str, params: Params | None) -> str:
        """Return what stands on the question's first line."""
        if not params:
            return self._address(path)
        if any(holds_identity(str(value)) for value in params.values()):
            raise failures.error(failures.IDENTITY_IN_URL, self.neighbour)
        return URL(self._origin + self._address(path), encoded=True).with_query(params).raw_path_qs

    def _new_address(self, path: str) -> str:
        if path and not path.startswith("/"):
            raise ValueError("a path is empty or begins with /")
        if holds_identity(unquote(path)):
            raise failures.error(failures.IDENTITY_IN_URL, self.neighbour)
        if _AS_IT_IS.fullmatch(path):
            return f"{self._path}{path}" or "/"
        return URL(f"{self._origin}{self._path}{path}").raw_path_qs

    async def _repeated(self, call: _Call, total_s: float) -> Answer:
        """Try a read, and again while that may help. The loop is made for the few that fail: making it costs as much as asking."""
        began = time.monotonic()
        try:
            return await self._once(call)
        except RetriableError as exc:
            failed: RetriableError | None = exc

        async def attempt() -> Answer:
            nonlocal failed
            if failed is not None:
                first, failed = failed, None
                raise first
            self._tally.repeats += 1
            return await self._once(call)

        left_s = total_s - (time.monotonic() - began)
        return await retrying(self._settings, total_s=left_s, left_alone=lambda: self._breaker.position is not Position.CLOSED)(attempt)

    async def _once(self, call: _Call) -> Answer:
        """Try once. The breaker learns how it went, whatever happens, also when we are cancelled."""
        call.sent = False
        async with self._free:
            if self._closed:
                raise self._error(call, failures.CLOSED)
            passage = self._breaker.enter()
            call.sent = True
            began = time.monotonic()
            try:
                answer = await self._exchange(call)
            except asyncio.CancelledError:
                self._given_up(call, passage)
                raise
            except ConnectorError as exc:
                self._tally.failed(exc.code)
                if failures.FAILURES[exc.code].lost:
                    self._breaker.failed(passage, exc.code)
                else:
                    self._breaker.succeeded(passage)
                raise
            except BaseException:
                self._breaker.abandoned(passage)
                raise
            finally:
                self._tally.took(time.monotonic() - began)
            self._breaker.succeeded(passage)
            return answer

    def _given_up(self, call: _Call, passage: Passage) -> None:
        # Our own total limit cancels us: the neighbour was too slow. Being cancelled from outside says nothing about it.
        if call.limit is not None and call.limit.expired():
            self._tally.failed(failures.TOO_SLOW.code)
            self._breaker.failed(passage, failures.TOO_SLOW.code)
        else:
            self._breaker.abandoned(passage)

    async def _exchange(self, call: _Call) -> Answer:
        try:
            response = await self._wire.send(call.method, call.target, call.content, call.headers)
        except WireError as exc:
            raise self._error(call, exc.failure, sent=exc.sent) from None
        try:
            self._accept(call, response)
            body = await read_body(response, self._settings.body_limit_bytes)
            self._accept_type(call, response, body)
        except WireError as exc:
            raise self._error(call, exc.failure) from None
        finally:
            # The connection is given back, or closed when the body was not read to its end.
            response.release()
        return Answer(response.status, response.headers, body, self.neighbour, call.repeatable, self._tally)

    def _accept(self, call: _Call, response: Reply) -> None:
        status = response.status
        if status in call.expected:
            return
        failure = failures.of_status(status)
        raise failures.error(
            failure,
            self.neighbour,
            # Only a server error leaves it open whether a write was done; every other status says that it was not.
            unknown_outcome=not call.repeatable and (failure is failures.SICK or 200 <= status < 300),
            retry_after_s=asked_to_wait(response.headers, self._settings.retry_after_max_s),
            status=status,
        )

    def _accept_type(self, call: _Call, response: Reply, body: bytes) -> None:
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        wanted = call.content_types
        wrong = content_type in _WEB_PAGES if wanted is None else bool(body) and content_type not in wanted
        if wrong and response.status >= 500:
            raise self._error(call, failures.SICK, status=response.status)
        if wrong:
            raise self._error(call, failures.WRONG_TYPE)

    def _error(self, call: _Call, failure: Failure, *, sent: bool | None = None, status: int | None = None) -> ConnectorError:
        went_out = call.sent if sent is None else sent
        return failures.error(failure, self.neighbour, unknown_outcome=went_out and not call.repeatable, status=status)


def _checked(base_url: str, neighbour: str) -> URL:
    try:
        parsed = URL(base_url)
        meant = parsed.scheme in {"http", "https"} and parsed.host and not (parsed.query_string or parsed.fragment or parsed.user)
    except ValueError:
        meant = False
    if not meant:
        raise ValueError(f"{neighbour}: the address must be http:// or https:// with a host, without user, ? and #")
    return parsed
