"""Changes to the complete example that make it something that cannot be, and what must become of each.

The persons are made up; their numbers have the check digits that the tests say they have.
"""

from __future__ import annotations

from typing import Any

Changes = dict[str, Any]
MEMBERS = "application/household/members"
CHILD = {"ref": "child-2", "role": "child", "birth_date": "2018-03-02", "days_in_home": 31}
RENT, SALARY, PAID = "application/costs/rent/applied", "application/incomes/salary/net", "registers/applicant.FK/payments/1"

REFUSED: dict[str, tuple[Changes, str]] = {
    "a day that is in no month": ({f"{MEMBERS}/child-1/birth_date": "2026-02-30"}, "application.household.members.2.birth_date"),
    "a thirteenth month": ({"today": "2026-13-01"}, "today"),
    "a year before the first": ({f"{PAID}/paid_on": "0000-01-01"}, "registers.0.payments.1.paid_on"),
    "a month applied for that is none": ({"application/month": "2026-00"}, "application.month"),
    "a time without a zone": ({"application/received_at": "2026-11-20T09:30:00"}, "application.received_at"),
    "no number": ({RENT: "NaN"}, "application.costs.0.applied"),
    "a signalling no-number": ({RENT: "sNaN"}, "application.costs.0.applied"),
    "infinity": ({SALARY: "Infinity"}, "application.incomes.0.net"),
    "less than everything": ({SALARY: "-Infinity"}, "application.incomes.0.net"),
    "ten to the four hundredth": ({RENT: "1e400"}, "application.costs.0.applied"),
    "one by ten to the four hundredth": ({RENT: "1e-400"}, "application.costs.0.applied"),
    "an exponent": ({RENT: "1E+2"}, "application.costs.0.applied"),
    "a thousand with a mark": ({RENT: "1_000"}, "application.costs.0.applied"),
    "a thousand with a space": ({RENT: "1 000"}, "application.costs.0.applied"),
    "a decimal comma": ({RENT: "6900,50"}, "application.costs.0.applied"),
    "another script's digit": ({RENT: "٣"}, "application.costs.0.applied"),
    "nothing": ({RENT: ""}, "application.costs.0.applied"),
    "a currency": ({f"{PAID}/net": "1850.00 kr"}, "registers.0.payments.1.net"),
    "five thousand digits": ({RENT: "9" * 5000}, "application.costs.0.applied"),
    "a billion": ({RENT: "1000000000.00"}, "application.costs.0.applied"),
    "a part of an öre": ({RENT: "0.001"}, "application.costs.0.applied"),
    "a float": ({RENT: 6900.5}, "application.costs.0.applied"),
    "nobody in the household": ({MEMBERS: []}, "application.household.members"),
    "forty members": ({MEMBERS: [CHILD] * 40}, "application.household.members"),
    "a role that is none": ({f"{MEMBERS}/applicant/role": "lodger"}, "application.household.members.0.role"),
    "a status that is none": ({"registers/applicant.FK/status": "maybe"}, "registers.0.status"),
    "a source that is none": ({"registers/applicant.FK/source": "X"}, "registers.0.source"),
    "letters in a personnummer": ({f"{MEMBERS}/applicant/personnummer": "19900101TF38"}, "application.household.members.0.personnummer"),
    "a short personnummer": ({f"{MEMBERS}/applicant/personnummer": "9001012385"}, "application.household.members.0.personnummer"),
    "more days than a month has": ({f"{MEMBERS}/child-1/days_in_home": 32}, "application.household.members.2.days_in_home"),
    "fewer days than none": ({f"{MEMBERS}/child-1/days_in_home": -1}, "application.household.members.2.days_in_home"),
    "a crowd": ({"application/household/others_in_home": 51}, "application.household.others_in_home"),
    "a fact that does not exist": ({"application/colour": "blue"}, "application.colour"),
}

BLANK: dict[str, tuple[Changes, str, str, str | None, str | None]] = {
    # facts, line, reason, low, high
    "a cost below nothing": ({RENT: "-6900.00"}, "cost.rent", "cost.unreadable", "0", None),
    "an unknown amount": ({RENT: None}, "cost.rent", "cost.unreadable", "0", None),
    "an absurd cost": ({RENT: "999999999.99"}, "cost.rent", "cost.over_cap", "0", "999999999.99"),
    "a declared income below nothing": ({SALARY: "-8500.00"}, "income.salary.applicant", "income.correction", "0", None),
    "a correction without what it corrects": ({f"{PAID}/net": "-1.00"}, "income.Bostadsbidrag.applicant", "income.correction", "0", "0"),
    "a day of payment that is not known": (
        {f"{PAID}/paid_on": None},
        "income.Bostadsbidrag.applicant",
        "income.unreadable",
        "0",
        "1850.00",
    ),
    "a kind of cost that is none": (
        {"application/costs/electricity/type": "yacht"},
        "cost.yacht",
        "cost.left_to_caseworker",
        "0",
        "450.00",
    ),
    "a kind of income that is none": (
        {"application/incomes/salary/type": "lottery"},
        "income.lottery.applicant",
        "income.off_list",
        "0",
        "8500.00",
    ),
    "a child of a year to come": ({f"{MEMBERS}/child-1/birth_date": "9999-12-31"}, "norm.child-1", "norm.age_unknown", "0", "5000.00"),
    "a child of two thousand years": (
        {f"{MEMBERS}/child-1/birth_date": "0001-01-01"},
        "norm.child-1",
        "norm.own_household",
        "0",
        "5000.00",
    ),
    "a civil status that is none": (
        {"application/household/civil_status": "polygamous"},
        "norm.adults",
        "case.civil_status_unknown",
        "3940.00",
        "7880.00",
    ),
}

STOPPED: dict[str, Changes] = {
    "the same child twice under one name": {f"{MEMBERS}/+": CHILD | {"ref": "child-1"}},
    "the applicant as the co-applicant too": {f"{MEMBERS}/co_applicant/personnummer": "199001012385"},
    "one child under two names": {
        f"{MEMBERS}/child-1/personnummer": "201803022381",
        f"{MEMBERS}/+": CHILD | {"personnummer": "201803022381"},
    },
    "a child as the applicant": {f"{MEMBERS}/applicant/role": "child"},
    "two applicants": {f"{MEMBERS}/co_applicant/role": "applicant"},
    "a month before there was such a law": {"application/month": "0001-01"},
    "a month that this century does not have": {"application/month": "9999-12"},
    "received at the end of time": {"application/received_at": "9999-12-31T23:59:59-23:59"},
}
