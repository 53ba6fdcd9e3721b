"""HTTP to a neighbour, the same for every connector: limits, retries, circuit breaker, mutual TLS, masking."""

from connectors.transport.answer import Answer
from connectors.transport.client import Transport
from connectors.transport.settings import TransportSettings
from connectors.transport.tally import BOUNDS_S, Tallies, Tally

__all__ = ["BOUNDS_S", "Answer", "Tallies", "Tally", "Transport", "TransportSettings"]
