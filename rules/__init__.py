"""The law as pure functions: facts and a rulebook in, an assessment out."""

from rules.assess import assess
from rules.canonical import canonical_json, digest
from rules.rulebook import Rulebook, load_rulebook
from rules.sample import is_control_sample
from rules.strict_yaml import RulebookError
from rules.triage import triage

__all__ = ["Rulebook", "RulebookError", "assess", "canonical_json", "digest", "is_control_sample", "load_rulebook", "triage"]
