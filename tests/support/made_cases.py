"""Makes case files, any and all, from a seed: households, registers and histories, ordinary and strange."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

import rules
from rules import Rulebook, load_rulebook
from rules.facts import SOURCES, CaseFile
from rules.month import Month

BOOK: Rulebook = load_rulebook(Path(rules.__file__).parent / "guidelines" / "exempelkommun.yaml")
JsonObject = dict[str, Any]

BENEFITS = {
    "FK": ["Bostadsbidrag", "Barnbidrag", "Underhållsstöd", "Sjukpenning", "Omvårdnadsbidrag", "Merkostnadsersättning", "Gåva", "CSN"],
    "PM": ["Ålderspension", "Bostadstillägg"],
    "SO": ["Arbetslöshetsersättning"],
    "CSN": ["Studiemedel", "Studiehjälp"],
}
KINDS = ["salary", "swish", "maintenance", "occupational_pension", "rent_share_from_child", "other", "unknown:X", "Bostadsbidrag"]
COSTS = ["rent", "electricity", "medicine", "other", "travel_medical", "internet", "dental_acute", "union_fee", "unknown:Y"]
RECIPIENTS = ["applicant", "co_applicant", "child-1", "unknown:Z", ""]
TEXTS = ["", "", "Hej", "Jag har en hyresskuld", "Vi har ingen mat", "\x00|\u0301 .. /"]
MAYBE = [None, True, False]
USUAL_MONTH = "2026-12"
STRANGE_MONTHS = ("2027-01", "2025-06", "2025-07", "2026-02", "1990-01", "2099-12")


class Making:
    """One case file from one seed: much faster than drawing every value by itself."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        # Some cases are close to an ordinary one, so that proposals are reached; most have some one thing that is not.
        self.strange = self.random.random() < 0.75
        self.how_strange = self.random.choice((0.02, 0.06, 0.2))
        self.month = Month.parse(self.pick(USUAL_MONTH, rare=STRANGE_MONTHS))
        self.before = self.month.plus(-1)

    def pick(self, *usual: Any, rare: tuple[Any, ...] = ()) -> Any:
        """Return one of the usual values, now and then a rare one."""
        return self.random.choice(rare if rare and self.strange and self.random.random() < self.how_strange else usual)

    def amount(self, *, most: int = 30_000) -> str | None:
        """Return kronor as text, whole or with öre; rarely nothing, below nothing or unknown."""
        ore = self.pick(self.random.randint(1, most) * 100, self.random.randint(1, most * 100), rare=(None, -500, -70_000, 0, 1))
        return None if ore is None else written(ore)

    def several(self, make: Callable[[], JsonObject], most: int) -> list[JsonObject]:
        """Return up to that many of something."""
        return [make() for _ in range(self.random.randint(0, most))]

    def day(self) -> str | None:
        """Return a day of the month whose payments count or one near it; rarely unknown."""
        inside = self.before.first + timedelta(days=self.random.randrange(self.before.days))
        earlier, later = inside - timedelta(days=31), inside + timedelta(days=31)
        day = self.pick(inside, inside, earlier, rare=(None, later, earlier - timedelta(days=40), self.before.first, self.before.last))
        return None if day is None else day.isoformat()

    def payment(self, source: str) -> JsonObject:
        """Return a payment, a correction or a promise of one."""
        net = self.amount(most=9_000)
        made: JsonObject = {
            "benefit": self.pick(*BENEFITS.get(source, ["Annat"])),
            "net": net,
            "currency": self.pick("SEK", rare=("EUR", None)),
            "paid_on": self.day(),
            "preliminary": self.pick(False, rare=(True,)),
            "other_deductions": self.pick("0.00", rare=("12.50", None)),
            "mixed_rows": self.pick(False, rare=(True,)),
            "part": self.pick(None, rare=("Grund", "Tillägg")),
        }
        if net is not None and self.random.random() < 0.3:
            tax = self.random.randint(0, 3_000) * 100
            made["tax"], made["gross"] = written(tax), written(tax + ore_of(net) + self.pick(0, rare=(100,)))
        return made

    def answer(self, person: str, source: str) -> JsonObject:
        """Return one source's answer about one person."""
        status = self.pick("answered", "answered", "nothing_held", rare=("unavailable",))
        most = 3 if source in BENEFITS and (status == "answered" or self.random.random() < 0.1) else 0
        complete = self.before.last
        fetched = self.pick(complete, rare=(complete - timedelta(days=6), complete + timedelta(days=2)))
        return {
            "person": person,
            "source": source,
            "status": status,
            "fetched_at": f"{fetched.isoformat()}T06:00:00+01:00",
            "facts": {
                "protected": self.pick(False, rare=(None,)),
                "job_seeker": self.pick(*MAYBE),
                "student": self.pick(None, rare=(True,)),
                "vehicles": self.pick([], rare=(["ABC123"],)),
                "applied_not_decided": self.pick([], rare=(["Sjukpenning"],)),
            },
            "payments": self.several(lambda: self.payment(source), most),
            "deviations": self.pick([], rare=(["a-kassa.X"], ["FK:GEPI"])),
        }

    def child(self, number: int) -> JsonObject:
        """Return a child or a school youth, with what is known of lunch, days and school."""
        youngest, oldest = self.month.first.replace(day=1), self.pick(0, 6, 17, rare=(19, 22))
        born = youngest - timedelta(days=self.random.randint(-40 if self.strange else 1, 366 + 366 * oldest))
        return {
            "ref": f"child-{number}",
            "role": "child",
            "birth_date": self.pick(born.isoformat(), rare=(None,)),
            "days_in_home": self.pick(31, self.month.days, rare=(None, 0, 1, self.random.randint(0, 31))),
            "residence": self.pick(None, "full_time", rare=("half_time", "unknown:V")),
            "lunch_elsewhere": self.pick(*MAYBE),
            "school_youth": self.pick(*MAYBE),
        }

    def history(self, refs: list[str]) -> JsonObject:
        """Return what is known of last month and of jobbstimulans."""
        kinds = [*KINDS, "Barnbidrag", "Underhållsstöd", "Arbetslöshetsersättning", "Sjukpenning"]
        calculation = {
            "month": str(self.before),
            "norm": "12710.00",
            "need": self.pick("4485.00", rare=("-20.00", "100000.00")),
            "members": self.pick(refs, rare=([], [*refs, "former-1"])),
            "costs": self.several(lambda: {"type": self.pick(*COSTS), "approved": f"{self.random.randint(0, 9_000)}.50"}, 4),
            "incomes": self.several(
                lambda: {"type": self.pick(*kinds), "recipient": self.pick(*RECIPIENTS), "amount": f"{self.random.randint(0, 9_000)}.00"}, 4
            ),
            "norms": [{"ref": ref, "amount": self.pick("2720.00", "3060.00", "3820.00")} for ref in refs if self.random.random() < 0.3],
        }
        windows = [self._window(person) for person in refs if person in ("applicant", "co_applicant")]
        return {
            "known": self.pick(True, rare=(False,)),
            "previous_calculation": self.pick(calculation, rare=(None,)),
            "months_in_a_row": self.pick(None, 2, 15),
            "jobbstimulans": self.pick(windows, rare=(None, [], windows * 2)),
            "surplus": self.pick("0.00", rare=("300.00",)),
        }

    def _window(self, person: str) -> JsonObject:
        first = self.before.plus(-self.random.randint(-1, 30))
        return {"person": person, "from": str(first), "to": str(first.plus(self.pick(23, rare=(-1, 0))))}

    def document(self) -> JsonObject:
        """Return a case file as plain data."""
        adults = ["applicant", "co_applicant"][: self.random.randint(1, 2)]
        status = self.pick("cohabiting" if len(adults) == 2 else "single", rare=("single", "cohabiting", "married", None, "unknown:X"))
        members: list[JsonObject] = [
            {"ref": ref, "role": ref, "personnummer": self.pick(number, rare=("200612022384", "199001012386", None))}
            for ref, number in zip(adults, ("199001012385", "199102022390"), strict=False)
        ]
        members += [self.child(number) for number in range(1, self.pick(0, 0, 1, 2, rare=(3, 8)) + 1)]
        refs = [str(member["ref"]) for member in members]
        history = self.history(refs)
        received = self.pick(self.before.day(20), rare=(self.month.first, self.before.first - timedelta(days=80)))
        application = {
            "case_id": "EB-1",
            "type": self.pick("renewal", rare=("first", "unknown:X")),
            "channel": self.pick(None, "e-service", rare=("paper",)),
            "received_at": f"{received.isoformat()}T09:30:00+01:00",
            "month": str(self.month),
            "signed": {"applicant": self.pick(True, None, rare=(False,)), "co_applicant": self.pick(True, None, rare=(False,))},
            "household": {"civil_status": status, "others_in_home": self.pick(0, rare=(1, 2, 50, None)), "members": members},
            "housing": {"form": self.pick("rental", rare=("lodger", "sublet", None)), "changed": self.pick(False, rare=(True, None))},
            "costs": self._costs(history),
            "incomes": self.several(lambda: self._declared(refs), 3),
            "plans": [{"person": ref, "type": self.pick("work", rare=("other", "x", "sick_leave"))} for ref in adults],
            "free_text": [{"field": "livelihood", "text": self.pick("", rare=tuple(TEXTS))}],
        }
        registers = [self.answer(person, source) for person in adults for source in SOURCES]
        if len(refs) > len(adults) and self.random.random() < 0.2:
            registers += [self.answer(refs[-1], source) for source in ("FK", "CSN")]
        today = self.pick(self.before.last, rare=(self.before.day(15), self.month.day(2)))
        return {"today": today.isoformat(), "application": application, "registers": registers, "history": history}

    def case(self) -> CaseFile:
        """Return a case file; one that is not strange has nothing that a person must look at, as far as the seed allows."""
        data = self.document()
        if not self.strange:
            self._settle(data)
        return CaseFile.model_validate(data)

    def _declared(self, refs: list[str]) -> JsonObject:
        recipient = self.pick(*refs, rare=tuple(RECIPIENTS))
        return {"type": self.pick(*KINDS), "recipient": recipient, "net": self.amount(most=9_000), "paid_on": self.day()}

    def _costs(self, history: JsonObject) -> list[JsonObject]:
        before = (history["previous_calculation"] or {}).get("costs", [])
        as_before = [{"type": row["type"], "applied": row["approved"]} for row in before if self.random.random() < 0.6]
        return as_before + self.several(
            lambda: {"type": self.pick(*COSTS), "applied": self.amount(most=9_000), "proof": self.pick(*MAYBE)}, 3
        )

    def _settle(self, data: JsonObject) -> None:
        """Take away the last doubts: lunch is known, what is paid is on the list, last month was the same."""
        application = data["application"]
        members = application["household"]["members"]
        for child in members:
            if child["role"] == "child":
                child |= {"days_in_home": 31, "residence": "full_time", "lunch_elsewhere": True, "school_youth": True}
        refs = [member["ref"] for member in members]
        refused = [{"type": "travel_medical", "applied": "300.00"}] if self.random.random() < 0.2 else []
        application |= {"incomes": [], "costs": [{"type": "rent", "applied": "5000.00"}, *refused]}
        net = f"{self.random.randint(1, 16_000)}.00"
        paid_on = self.before.day(20).isoformat()
        for answer in data["registers"]:
            paid = {"benefit": "Bostadsbidrag", "net": net, "currency": "SEK", "other_deductions": "0.00", "paid_on": paid_on}
            answer["payments"] = [paid] if (answer["person"], answer["source"]) == ("applicant", "FK") else []
            answer |= {"facts": {"protected": False}, "status": "answered", "deviations": []}
        data["history"]["previous_calculation"] |= {
            "members": refs,
            "costs": [{"type": "rent", "approved": "5000.00"}],
            "incomes": [{"type": "Bostadsbidrag", "recipient": "applicant", "amount": net}],
            "norms": [],
            "need": "0.00",
        }
        if self.random.random() < 0.1:
            data["today"] = self.before.day(15).isoformat()
        found = rules.assess(CaseFile.model_validate(data), BOOK, hand_over=True)
        data["history"]["previous_calculation"]["need"] = written(max(found.sums.need, 0)) if found.sums else "0.00"


def case_files() -> st.SearchStrategy[CaseFile]:
    """Any application of a household, with any answers and any history."""
    return st.integers(0, 2**32).map(lambda seed: Making(seed).case())


def written(ore: int) -> str:
    """Write öre as the case file has kronor."""
    return f"{'-' if ore < 0 else ''}{abs(ore) // 100}.{abs(ore) % 100:02d}"


def ore_of(kronor: str) -> int:
    """Read kronor with two decimals as öre."""
    return int(kronor.replace(".", ""))
