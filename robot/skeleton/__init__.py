"""The files that `bistandsrobot init` writes: made of the documented config.yaml, the shipped unit file and the skeleton in this folder."""

from robot.skeleton.answers import QUESTIONS, Question, Refused
from robot.skeleton.files import Made, config_text, guidelines_text, make, unit_text

__all__ = ["QUESTIONS", "Made", "Question", "Refused", "config_text", "guidelines_text", "make", "unit_text"]
