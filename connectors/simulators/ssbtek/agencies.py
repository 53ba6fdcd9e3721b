"""What AF, SKV, SO, TNS and MIV put into their `data` element about one person, each in its own namespace and form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from lxml import etree

from connectors.simulators.day import SWEDEN
from connectors.simulators.ssbtek.held import paid, paid_out
from connectors.simulators.ssbtek.names import AF, FORDON, SKV_ANSWER, SKV_PERSON, SKV_TAX, SO, TNS, XSI
from connectors.simulators.ssbtek.question import Period, Question
from connectors.simulators.world import AKassaRecord, PersonRecord, RegisterRecord

NOTHING_HELD = RegisterRecord()
_FAR_AWAY = timedelta(days=365)
_MIV_FIELDS = (
    "anledning",
    "anledningNamn",
    "ansokningsdatum",
    "arendeTyp",
    "arendeTypNamn",
    "beslutsKod",
    "beslutsKodNamn",
    "beslutsTyp",
    "beslutsTypNamn",
    "beslutsdatum",
    "fromDatum",
    "giltighetstid",
    "tomDatum",
)
_MIV_DATES = frozenset({"ansokningsdatum", "beslutsdatum", "fromDatum", "tomDatum"})
_MIV_ALIASES = {"kind": "beslutsTyp", "from": "fromDatum", "from_day": "fromDatum", "to": "tomDatum", "to_day": "tomDatum"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One agency's part of a question: the whole question, the days for this agency, the person (None = unknown) and the world's day."""

    question: Question
    period: Period
    person: PersonRecord | None
    today: date

    @property
    def held(self) -> RegisterRecord:
        """What is held on the person; of an unknown one, nothing."""
        return self.person.registers if self.person else NOTHING_HELD


def add(parent: etree._Element, namespace: str | None, name: str, text: str | None = None) -> etree._Element:
    """Add an element, with a text when one is given."""
    child = etree.SubElement(parent, f"{{{namespace}}}{name}" if namespace else name)
    child.text = text
    return child


def with_zone(day: date) -> str:
    """Return the day as AF and MIV write it: with the zone that Sweden has that day."""
    offset = datetime.combine(day, time(12), tzinfo=SWEDEN).strftime("%z")
    return f"{day.isoformat()}{offset[:3]}:{offset[3:]}"


def arbetsformedlingen(data: etree._Element, asked: Asked) -> None:
    """Registered as a job seeker or not. No record: an answer in order, without any information."""
    question, record = asked.question, asked.held.af
    echo = add(data, AF, "Fraga")
    for name, text in (
        ("OrganisationsnummerForIngivare", question.organisation),
        ("NamnPaIngivare", question.name),
        ("KontonamnForHandlaggare", question.officer),
        ("Referensnummer", question.case),
        ("From", asked.period.from_day.isoformat()),
        ("Tom", asked.period.to_day.isoformat()),
        ("SyfteMedFraga", question.purpose),
        ("LagParagraf", question.law),
        ("IdentitetsbeteckningFysiskPerson", question.personnummer),
    ):
        add(echo, AF, name, text)
    answer = add(data, AF, "Svar")
    add(answer, AF, "Schemaversion", "2.0")
    add(answer, AF, "Referensnummer", question.case)
    add(answer, AF, "LagParagraf", question.law)
    add(answer, AF, "IdentitetsbeteckningFysiskPerson", question.personnummer)
    if record is not None:
        if asked.person is not None and not record.protected:
            add(answer, AF, "Fornamn", asked.person.first_name)
            add(answer, AF, "Efternamn", asked.person.last_name)
        add(answer, AF, "Sekretessmarkering", "true" if record.protected else "false")
        info = add(answer, AF, "ArbetssokandeInfo")
        add(info, AF, "Arbetssokande", "true" if record.job_seeker else "false")
        if record.job_seeker:
            add(info, AF, "ArbetssokandeSKAT", record.category)
        if record.registered:
            add(info, AF, "ArbetssokandeRegistrerad", with_zone(record.registered))
        if record.job_seeker:
            add(info, AF, "ArbetssokandeOmfattning", "100")
        report = add(info, AF, "AktivetetsRapportDatum")
        add(report, AF, "AktivitetsRapportMeddelande", "Aktivitetsrapport finns inte")
        if record.a_kassa:
            add(answer, AF, "Akassetillhorighet", record.a_kassa)
    add(answer, AF, "StatusSokandeinformationKod", "0")
    add(answer, AF, "StatusSokandeinformationKodText", "Frågan har behandlats och ett giltigt svar har returnerats")


def skatteverket(data: etree._Element, asked: Asked) -> None:
    """Yearly capital income, as XML inside a text. No record: an empty list."""
    root = etree.Element(
        f"{{{SKV_ANSWER}}}SvarBeskattningsuppgifterEnligtSFS2008-975", nsmap={"s": SKV_ANSWER, "b": SKV_TAX, "f": SKV_PERSON}
    )
    people = add(root, SKV_ANSWER, "PersonuppgiftLista")
    if asked.held.capital_income is not None:
        person = add(people, SKV_ANSWER, "Personuppgift")
        add(person, SKV_PERSON, "IdentitetsbeteckningFysiskPerson", asked.question.personnummer)
        add(person, SKV_ANSWER, "StatusPersonuppgiftKod", "0")
        capital = add(person, SKV_ANSWER, "Kapitaluppgift")
        add(capital, SKV_TAX, "Taxeringsar", str(asked.today.year - 1))
        add(capital, SKV_TAX, "SummaIntakterPaKapital", asked.held.capital_income)
        add(capital, SKV_TAX, "OverskottPaKapital", asked.held.capital_income)
    inner = etree.tostring(root, xml_declaration=True, encoding="UTF-8").decode()
    etree.SubElement(data, "svar").text = etree.CDATA(inner)


def a_kassorna(data: etree._Element, asked: Asked) -> None:
    """One entry per a-kassa that answers, whatever it says of itself."""
    question = asked.question
    for name, text in (
        ("OrganisationsnummerIngivare", question.organisation),
        ("NamnIngivare", question.name),
        ("KontonamnHandlaggare", question.officer),
        ("Referensnummer", question.case),
        ("From", asked.period.from_day.isoformat()),
        ("Tom", asked.period.to_day.isoformat()),
        ("Syfte", question.purpose),
        ("Paragraf", question.law),
        ("IdentificationNumber", question.personnummer),
    ):
        add(data, SO, name, text)
    entries = add(data, SO, "ArbetsloshetsersattningLista")
    for fund in asked.held.a_kassor:
        _a_kassa(add(entries, SO, "Arbetsloshetsersattning"), fund, asked)


def _a_kassa(entry: etree._Element, fund: AKassaRecord, asked: Asked) -> None:
    add(entry, SO, "SvarandeOrganisation", fund.organisation)
    add(entry, SO, "StatusSvarandeOrganisation", fund.status)
    for payment in paid(fund.payments, asked.period, asked.today):
        row = add(entry, SO, "Utbetalningar")
        days = sum((payment.covers_from + timedelta(n)).weekday() < 5 for n in range((payment.covers_to - payment.covers_from).days + 1))
        add(row, SO, "Utbetalningsdatum", payment.paid_on.isoformat())
        add(row, SO, "NettoEfterSkatt", payment.net if payment.raw_amount is None else payment.raw_amount)
        add(row, SO, "NettoEfterAvdrag", paid_out(payment) if payment.raw_amount is None else payment.raw_amount)
        add(row, SO, "Ersattningsdagar", str(Decimal(days)))
        add(row, SO, "AvserFrom", payment.covers_from.isoformat())
        add(row, SO, "AvserTom", payment.covers_to.isoformat())
    if fund.suspended_from is not None:
        until = fund.suspended_to or fund.suspended_from + _FAR_AWAY
        if fund.suspended_from <= asked.period.to_day and until >= asked.period.from_day:
            row = add(entry, SO, "Avstangningar")
            add(row, SO, "AvstangdFrom", fund.suspended_from.isoformat())
            add(row, SO, "AvstangdTom", until.isoformat())
    if fund.applied_on is not None and fund.applied_on <= asked.today:
        applied = add(entry, SO, "AnsoktOmErsattning")
        add(applied, SO, "BeslutOmRattTillErsattning").set(f"{{{XSI}}}nil", "true")
        add(applied, SO, "AnsokanOmUtbetalningInlamnad", "true")


def transportstyrelsen(data: etree._Element, asked: Asked) -> None:
    """The vehicles held. A record is a registration number, and after it the make when it is known."""
    add(data, TNS, "resultat", "OK")
    holding = add(data, TNS, "fordonsinnehav")
    for number, make in ([*text.split(maxsplit=1), "VOLVO"][:2] for text in asked.held.vehicles):
        vehicle = add(holding, FORDON, "fordon")
        for name, text in (
            ("regnr", number),
            ("fabrikat", make),
            ("fordonsar", "2009"),
            ("fordonsslag", "PERSONBIL"),
            ("handelsbeteckning", "V70"),
        ):
            add(vehicle, FORDON, name, text)


def migrationsverket(data: etree._Element, asked: Asked) -> None:
    """The permits held, in no namespace. No record: no response at all, which the schema allows."""
    if not asked.held.permits:
        return
    response = add(data, None, "response")
    add(response, None, "correlationid", asked.question.correlation or "-")
    add(response, None, "personnummer", asked.question.personnummer)
    collection = add(response, None, "svarCollection")
    for permit in asked.held.permits:
        row = add(collection, None, "svar")
        known = {_MIV_ALIASES.get(name, name): text for name, text in permit.items()}
        if "permanent" in known and "giltighetstid" not in known:
            known["giltighetstid"] = "PERMANENT" if known["permanent"].lower() in ("true", "1", "ja") else "TIDBEGRANSAT"
        for name in _MIV_FIELDS:
            if name in known:
                text = known[name]
                add(row, None, name, with_zone(date.fromisoformat(text)) if name in _MIV_DATES and len(text) == 10 else text)


XML_AGENCIES: dict[str, Callable[[etree._Element, Asked], None]] = {
    "AF": arbetsformedlingen,
    "SKV": skatteverket,
    "SO": a_kassorna,
    "TNS": transportstyrelsen,
    "MIV": migrationsverket,
}
"""Who fills in `data` for each agency that answers in XML of its own."""
