"""SSBTEK v10: one question, answers from eight sources."""

from connectors.registers.ssbtek.client import Ssbtek
from connectors.registers.ssbtek.settings import SsbtekSettings

__all__ = ["Ssbtek", "SsbtekSettings"]
