"""The simulated case system: CareManagement and Party, with their state in memory."""

from connectors.simulators.caremanagement.app import create_app

__all__ = ["create_app"]
