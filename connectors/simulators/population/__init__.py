"""A small municipality's made-up people and applications, the same for the same seed."""

from connectors.simulators.population.build import arrivals, build

__all__ = ["arrivals", "build"]
