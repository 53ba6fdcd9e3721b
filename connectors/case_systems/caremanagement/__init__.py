"""CareManagement and Party: the case system with a native type for ekonomiskt bistånd."""

from connectors.case_systems.caremanagement.connector import CareManagement
from connectors.case_systems.caremanagement.settings import CareManagementSettings, LifecareNames

__all__ = ["CareManagement", "CareManagementSettings", "LifecareNames"]
