"""SSBTEK v10 as the simulated municipality meets it: one SOAP service that answers for seven agencies."""

from connectors.simulators.ssbtek.app import create_app

__all__ = ["create_app"]
