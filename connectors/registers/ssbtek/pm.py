"""Pensionsmyndigheten's part of a LEFI answer."""

from __future__ import annotations

from collections.abc import Collection

from connectors.registers.ssbtek.fk import minus, one_kind
from connectors.registers.ssbtek.lefi import Json, as_list, read_state, under
from connectors.registers.ssbtek.reading import Reading
from connectors.registers.ssbtek.values import amount, day, edge, payment, short
from rules.facts import Payment
from rules.money import ZERO, Ore

_PAYMENT_KEYS = frozenset({"utbetalningsdatum", "utbetalningsperiod", "bruttobelopp", "nettobelopp", "avdrag", "utbetalningsrader"})
_ROW_KEYS = frozenset({"formansgrupp", "belopp", "utbetalningsforman", "beloppstyp"})
_DEDUCTION_KEYS = frozenset({"belopp", "avdragstyp"})
_DEDUCTIONS = frozenset(
    {
        "PM:AVDRAGKANTRA",
        "PM:AVDRAGOVRIGT",
        "PM:INSTITUTION",
        "PM:KVIKAN",
        "PM:KVIOVR",
        "PM:PS",
        "PM:PST",
        "PM:SOCAVDRAG",
        "PM:SS",
        "PM:SST",
        "PM:UTLFORDRAN",
        "PM:UTMATNING",
        "PM:UTMHELA",
        "PM:UTMTV",
    }
)


def read_pm(lefi: Json, reading: Reading, groups: Collection[str], tax_types: Collection[str]) -> None:
    """Read state, payments and pending claims. Raises Unreadable when the structure cannot be followed."""
    read_state(lefi, reading, groups)
    for key in ("utbetalningar", "preliminaraUtbetalningar"):
        for number, item in enumerate(as_list(lefi.get(key))):
            reading.pay(_payment(item, reading, f"PM.{key}[{number}]", tax_types, preliminary=key != "utbetalningar"))
    _read_claims(lefi, reading)


def _payment(item: object, reading: Reading, path: str, tax_types: Collection[str], *, preliminary: bool) -> Payment:
    if not isinstance(item, dict):
        reading.odd(path, short(item))
        return payment(benefit="unknown:", net=None, paid_on=None)
    reading.odd_keys(item, _PAYMENT_KEYS, path)
    tax, other = _deductions(item, reading, path, tax_types)
    gross, paid_out = amount(item.get("bruttobelopp")), amount(item.get("nettobelopp"))
    if gross is not None and paid_out is not None and tax is not None and other is not None and gross - tax - other != paid_out:
        reading.odd(f"{path}.nettobelopp", "beloppen stämmer inte överens")
    benefit, part, amount_type, mixed = _rows(item, reading, path)
    return payment(
        benefit=benefit,
        part=part,
        amount_type=amount_type,
        mixed_rows=mixed,
        net=None if paid_out is None or other is None else Ore(paid_out + other),
        gross=gross,
        tax=tax,
        other_deductions=other,
        paid_on=day(item.get("utbetalningsdatum")),
        covers=(edge(under(item, "utbetalningsperiod", "from"), last=False), edge(under(item, "utbetalningsperiod", "tom"), last=True)),
        preliminary=preliminary,
    )


def _deductions(item: Json, reading: Reading, path: str, tax_types: Collection[str]) -> tuple[Ore | None, Ore | None]:
    """Return tax and everything else deducted; None when one of them could not be read."""
    if item.get("avdrag") is None:
        # Left out is zero only when the net amount says so.
        nothing = minus(amount(item.get("bruttobelopp")), amount(item.get("nettobelopp"))) == 0
        return (ZERO, ZERO) if nothing else (None, None)
    tax: Ore | None = ZERO
    other: Ore | None = ZERO
    for number, deduction in enumerate(as_list(item["avdrag"])):
        where = f"{path}.avdrag[{number}]"
        kind = short(under(deduction, "avdragstyp", "kod"))
        sum_deducted = amount(under(deduction, "belopp"))
        if isinstance(deduction, dict):
            reading.odd_keys(deduction, _DEDUCTION_KEYS, where)
        if kind not in _DEDUCTIONS and kind not in tax_types:
            reading.odd(f"{where}.avdragstyp", kind)
        if kind in tax_types:
            tax = _plus(tax, sum_deducted)
        else:
            other = _plus(other, sum_deducted)
    return tax, other


def _plus(so_far: Ore | None, more: Ore | None) -> Ore | None:
    return None if so_far is None or more is None else Ore(so_far + more)


def _rows(item: Json, reading: Reading, path: str) -> tuple[str, str | None, str | None, bool]:
    """Return benefit, part and amount type. One payment may concern several benefits: then they are named together and it is mixed."""
    benefits: list[str] = []
    kinds = []
    for number, row in enumerate(as_list(item.get("utbetalningsrader"))):
        where = f"{path}.utbetalningsrader[{number}]"
        if not isinstance(row, dict):
            reading.odd(where, short(row))
            continue
        reading.odd_keys(row, _ROW_KEYS, where)
        group = short(under(row, "formansgrupp", "beskrivning")) or f"unknown:{short(under(row, 'formansgrupp', 'kod'))}"
        benefits.append(group)
        kinds.append((group, *(short(under(row, key, "kod")) or None for key in ("utbetalningsforman", "beloppstyp"))))
    if not benefits:
        reading.odd(f"{path}.utbetalningsrader")
    part, amount_type, mixed = one_kind([kind[1:] for kind in kinds]) if len(set(benefits)) < 2 else (None, None, True)
    return " + ".join(dict.fromkeys(benefits))[:300] or "unknown:", part, amount_type, mixed


def _read_claims(lefi: Json, reading: Reading) -> None:
    decided = [(under(decision, "formansgrupp", "kod"), day(under(decision, "beslutsdatum"))) for decision in as_list(lefi.get("beslut"))]
    pending = []
    for claim in as_list(lefi.get("ansprak")):
        reading.held = True
        group, arrived = under(claim, "formansgrupp", "kod"), day(under(claim, "ankomstdatum"))
        # A decision answers a claim when it is of the same group and not older.
        if not any(group == other and arrived and made and made >= arrived for other, made in decided):
            pending.append(short(under(claim, "formansgrupp", "beskrivning")) or f"unknown:{short(group)}")
    reading.held = reading.held or bool(decided)
    reading.facts["applied_not_decided"] = tuple(dict.fromkeys(pending))
