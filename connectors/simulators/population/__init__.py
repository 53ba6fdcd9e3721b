"""A small municipality's made-up people and applications, the same for the same seed."""

from connectors.simulators.population.build import arrivals, build
from connectors.simulators.population.identity import MOST_APPLICATIONS

__all__ = ["MOST_APPLICATIONS", "arrivals", "build"]
