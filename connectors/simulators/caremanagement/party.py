"""Party: which identity number a party id stands for. Identities travel in bodies only; what would put them in an address is refused."""

from __future__ import annotations

from starlette.responses import Response

from connectors.simulators.caremanagement.calls import Call
from connectors.simulators.caremanagement.problems import Refused, bad_request
from connectors.simulators.caremanagement.wire import answer

MAX_IDS = 1_000


def legal_ids(call: Call) -> Response:
    """Answer the identity numbers of the party ids given. Unknown ones are left out, as are those of another municipality.

    Party knows nothing of what the case system protects: a protected person is answered like any other.
    """
    wanted = call.body
    if not isinstance(wanted, list) or not all(isinstance(party_id, str) for party_id in wanted):
        raise bad_request("Failed to read request: the body must be a list of party ids")
    if len(wanted) > MAX_IDS:
        raise bad_request(f"at most {MAX_IDS} party ids at a time")
    if call.path["municipalityId"] != call.store.municipality_id:
        return answer({})
    people = call.store.people
    return answer({party_id: people[party_id].personnummer for party_id in wanted if party_id in people})


def identity_in_address(call: Call) -> Response:
    """Refuse the variants with an identity in the address."""
    call.forbidden_use("party: identity in the address")
    raise Refused(405, "Method 'GET' is not supported")
