"""`python -m robot` is `bistandsrobot`."""

from robot.cli import main

main()
