"""The peers of `benchmarks.rules`, run in an environment of their own (`make bench-peers`): this file imports nothing of ours.

Reads one JSON document: riksnormens amounts in whole kronor, and households with what they apply for. Each peer works out
adults + children by age + common costs by size + rent - incomes, for one household at a time and with its trace on, and must give the
expected need. Writes one JSON document: assessments per second of CPU for each.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

MONTH = "2026-12"
LEAST_S = 3.0
"""Each peer goes through the households again and again for at least this long, in seconds of CPU; the best round counts."""

Household = dict[str, Any]
Solve = Callable[[Household], float]


def openfisca(table: dict[str, Any]) -> Solve:
    """OpenFisca-Core as its web API uses it: a simulation built from the household's own dictionary, variables and dated parameters."""
    from openfisca_core.entities import Entity, GroupEntity
    from openfisca_core.parameters import ParameterNode
    from openfisca_core.periods import MONTH as MONTHLY
    from openfisca_core.simulation_builder import SimulationBuilder
    from openfisca_core.taxbenefitsystems import TaxBenefitSystem
    from openfisca_core.variables import Variable

    person = Entity("person", "persons", "A person", "")
    roles = [{"key": "adult", "plural": "adults", "label": "Adult", "max": 2}, {"key": "child", "plural": "children", "label": "Child"}]
    household = GroupEntity("household", "households", "A household", "", roles=roles)

    def amount(value: int) -> dict[str, Any]:
        return {"values": {"2026-01-01": {"value": value}}}

    def scale(thresholds: list[int], amounts: list[int]) -> dict[str, Any]:
        """Return a scale that gives the amount of the highest threshold reached."""
        brackets = [{"threshold": amount(at), "amount": amount(kronor)} for at, kronor in zip(thresholds, amounts, strict=True)]
        return {"brackets": brackets, "metadata": {"type": "single_amount"}}

    system = TaxBenefitSystem([person, household])
    norm = {
        "single": amount(table["single"]),
        "sambo": amount(table["sambo"]),
        "child": scale(table["child_from_age"], table["child"]),
        "common": scale(list(range(1, len(table["common"]) + 1)), table["common"]),
    }
    system.parameters = ParameterNode("", data={"riksnorm": norm})

    def variable(name: str, entity: Any, value_type: type, formula: Any = None) -> None:
        body = {"value_type": value_type, "entity": entity, "definition_period": MONTHLY, "label": name}
        system.add_variable(type(name, (Variable,), body | ({"formula": formula} if formula else {})))

    def child_norm(persons: Any, period: Any, parameters: Any) -> Any:
        return persons.has_role(household.CHILD) * parameters(period).riksnorm.child.calc(persons("age", period))

    def adults_norm(households: Any, period: Any, parameters: Any) -> Any:
        amounts = parameters(period).riksnorm
        two = households.nb_persons(household.ADULT) == 2
        return two * amounts.sambo + (1 - two) * amounts.single

    def children_norm(households: Any, period: Any) -> Any:
        return households.sum(households.members("child_norm", period))

    def common_costs(households: Any, period: Any, parameters: Any) -> Any:
        return parameters(period).riksnorm.common.calc(households.nb_persons())

    def need(households: Any, period: Any) -> Any:
        norm = households("adults_norm", period) + households("children_norm", period) + households("common_costs", period)
        return norm + households("rent", period) - households("income", period)

    variable("age", person, int)
    variable("child_norm", person, float, child_norm)
    variable("rent", household, float)
    variable("income", household, float)
    variable("adults_norm", household, float, adults_norm)
    variable("children_norm", household, float, children_norm)
    variable("common_costs", household, float, common_costs)
    variable("need", household, float, need)

    def solve(one: Household) -> float:
        adults = [f"adult-{number}" for number in range(one["adults"])]
        children = {f"child-{number}": {"age": {MONTH: age}} for number, age in enumerate(one["ages"])}
        case = {
            "persons": {**{name: {} for name in adults}, **children},
            "households": {
                "home": {"adults": adults, "children": list(children), "rent": {MONTH: one["rent"]}, "income": {MONTH: one["income"]}}
            },
        }
        simulation = SimulationBuilder().build_from_entities(system, case)
        simulation.trace = True
        found = float(simulation.calculate("need", MONTH)[0])
        assert simulation.tracer.get_serialized_flat_trace()
        return found

    return solve


def zen_engine(table: dict[str, Any]) -> Solve:
    """zen-engine with a compiled decision of expression nodes; the household is given as a dictionary."""
    import zen

    ages = list(zip(table["child_from_age"], table["child"], strict=True))
    child = str(ages[0][1])
    for age, kronor in ages[1:]:
        child = f"(# >= {age} ? {kronor} : {child})"
    lines = {
        "adults_norm": f"adults == 2 ? {table['sambo']} : {table['single']}",
        "children_norm": f"len(ages) > 0 ? sum(map(ages, {child})) : 0",
        "common_costs": f"{table['common']}[adults + len(ages) - 1]",
        "need": "$.adults_norm + $.children_norm + $.common_costs + rent - income",
    }
    expressions = [{"id": key, "key": key, "value": value} for key, value in lines.items()]
    graph = {
        "nodes": [
            {"id": "in", "name": "in", "type": "inputNode", "position": {"x": 0, "y": 0}},
            {"id": "sum", "name": "sum", "type": "expressionNode", "content": {"expressions": expressions}, "position": {"x": 0, "y": 0}},
            {"id": "out", "name": "out", "type": "outputNode", "position": {"x": 0, "y": 0}},
        ],
        "edges": [
            {"id": "a", "sourceId": "in", "targetId": "sum", "type": "edge"},
            {"id": "b", "sourceId": "sum", "targetId": "out", "type": "edge"},
        ],
    }
    decision = zen.ZenEngine().create_decision(zen.ZenDecisionContent(json.dumps(graph)))

    def solve(one: Household) -> float:
        answer = decision.evaluate(one, {"trace": True})
        assert answer["trace"]
        return float(answer["result"]["need"])

    return solve


def per_second(solve: Solve, households: list[Household]) -> float:
    """Return assessments per second of CPU, the best round; every need must be the expected one."""
    for one in households:
        found = solve(one)
        if round(found * 100) != one["expected_ore"]:
            raise SystemExit(f"a peer gives {found}, expected {one['expected_ore'] / 100} for {one}")
    best, spent = 0.0, 0.0
    while spent < LEAST_S:
        began = time.process_time()
        for one in households:
            solve(one)
        took = time.process_time() - began
        best, spent = max(best, len(households) / took), spent + took
    return best


def main() -> None:
    """Measure both peers."""
    given = json.load(sys.stdin)
    peers = {"openfisca-core": openfisca, "zen-engine": zen_engine}
    found = {
        name: {"version": version(name), "per_s": per_second(make(given["table"]), given["households"])} for name, make in peers.items()
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
