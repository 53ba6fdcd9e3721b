"""`python -m connectors.simulators` is `bistandsrobot simulate`, without loading the robot."""

from connectors.simulators.command import simulate

simulate()
