"""What a person does in between: an action tied to the nth matching request, done right before or right after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from connectors.simulators.caremanagement.problems import Refused, bad_request
from connectors.simulators.caremanagement.store import Errand

MAX_HOOKS = 1_000
MOMENTS = ("before", "after")
Act = Callable[[Errand, Mapping[str, Any]], Any]


@dataclass(slots=True)
class Hook:
    """One order: on the `nth` request with this method and path (of this errand, or any), a person does `do`."""

    id: int
    do: dict[str, Any]
    when: str = "after"
    errand_id: str | None = None
    method: str | None = None
    path_contains: str | None = None
    nth: int = 1
    matched: int = 0
    fired: int = 0
    refused: str | None = None
    """Why the person could not do it, when so."""


@dataclass(slots=True)
class Hooks:
    """The orders in force. False when there is none."""

    act: Act
    _orders: list[Hook] = field(default_factory=list)
    _next_id: int = 1

    def __bool__(self) -> bool:
        return bool(self._orders)

    def order(self, wanted: Any) -> dict[str, Any]:
        """Put a hook in force and return it. Raises Refused when it is not understood."""
        if len(self._orders) >= MAX_HOOKS:
            raise bad_request(f"at most {MAX_HOOKS} hooks at a time: DELETE /admin/hooks first")
        hook = _understood(self._next_id, wanted)
        self._next_id += 1
        self._orders.append(hook)
        return asdict(hook)

    def shown(self) -> list[dict[str, Any]]:
        """Return the orders with their counters."""
        return [asdict(hook) for hook in self._orders]

    def clear(self, hook_id: int | None = None) -> int:
        """Lift one hook, or all of them; return how many."""
        kept = [] if hook_id is None else [hook for hook in self._orders if hook.id != hook_id]
        lifted = len(self._orders) - len(kept)
        self._orders = kept
        return lifted

    def matching(self, method: str, path: str, errand: Errand | None) -> list[Hook]:
        """Count this request, and return the hooks whose turn it is."""
        due = []
        for hook in self._orders:
            if errand is None or not _matches(hook, method, path, errand):
                continue
            hook.matched += 1
            if hook.matched == hook.nth:
                due.append(hook)
        return due

    def run(self, due: list[Hook], when: str, errand: Errand | None) -> None:
        """Let the person act. What can't be done is kept on the hook, not told to whoever sent the request."""
        for hook in due:
            if hook.when != when or errand is None:
                continue
            try:
                self.act(errand, hook.do)
                hook.fired += 1
            except Refused as problem:
                hook.refused = problem.detail


def _matches(hook: Hook, method: str, path: str, errand: Errand) -> bool:
    return (
        hook.errand_id in (None, errand.id) and hook.method in (None, method) and (hook.path_contains is None or hook.path_contains in path)
    )


def _understood(hook_id: int, wanted: Any) -> Hook:
    if not isinstance(wanted, dict) or set(wanted) - {"errandId", "on", "when", "do"}:
        raise bad_request('a hook is {"errandId": ..., "on": {"method", "path_contains", "nth"}, "when": "before" | "after", "do": {...}}')
    on, do = wanted.get("on") or {}, wanted.get("do")
    if not isinstance(on, dict) or set(on) - {"method", "path_contains", "nth"}:
        raise bad_request("on has method, path_contains and nth")
    if not isinstance(do, dict) or not isinstance(do.get("action"), str):
        raise bad_request("do names an action of POST /admin/caseworker")
    nth, when = on.get("nth", 1), wanted.get("when", "after")
    if type(nth) is not int or nth < 1 or when not in MOMENTS:
        raise bad_request("nth is 1 or more, and when is before or after")
    texts = (wanted.get("errandId"), on.get("method"), on.get("path_contains"))
    if not all(text is None or isinstance(text, str) for text in texts):
        raise bad_request("errandId, method and path_contains are texts")
    method = None if texts[1] is None else texts[1].upper()
    return Hook(id=hook_id, do=dict(do), when=when, errand_id=texts[0], method=method, path_contains=texts[2], nth=nth)
