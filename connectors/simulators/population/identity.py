"""Identity numbers for made-up persons: valid check digits, birth numbers from ranges for test, never the same twice.

The same seed, application and place in the household give the same number, whatever else is built: two processes agree without talking.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from uuid import UUID

from connectors.simulators.population.months import age_on, on, shift
from connectors.simulators.population.tables import band

MOST_APPLICATIONS = 1_440
"""Applications with numbers of their own under one seed."""
ADULTS = 2
CHILDREN = 4
_SERIALS = tuple(range(980, 1000))
_TURNING_SERIALS = (238, 239)
_TURNING_APART = 40
"""A child whose birthday was last month comes at most once in so many applications."""
_TURNING_DAYS = 26
_DAYS = 365
_WINDOW_DAYS = 31
_STEP = 4481
"""Spreads numbers in order over days and birth numbers: the next number is 224 days on."""
_SPARE_PLACE = CHILDREN - 1
_COORDINATION = 60
_COMMON_YEAR = 2025

FIRST_NAMES = (
    "Testalva", "Provarin", "Exemplona", "Övningrid", "Demonilla", "Fiktivald", "Låtsbert", "Provolina", "Testofer", "Skenhild",
    "Övbjörn", "Exempelina", "Fiktorin", "Demolfina", "Provhilda", "Testmundur",
)  # fmt: skip
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def check_digit(nine: str) -> int:
    """Return the tenth digit of a personnummer, by Luhn over the nine before it."""
    total = 0
    for place, digit in enumerate(nine):
        product = int(digit) * (2 - place % 2)
        total += product // 10 + product % 10
    return -total % 10


def written(birth: date, serial: int, *, coordination: bool = False) -> str:
    """Return the twelve digits. A samordningsnummer has 60 added to the day."""
    day = birth.day + (_COORDINATION if coordination else 0)
    nine = f"{birth:%y%m}{day:02d}{serial:03d}"
    return f"{birth:%Y}"[:2] + nine + str(check_digit(nine))


class Identities:
    """The numbers, names and ids of one application's people."""

    def __init__(self, seed: int, index: int, month: date, rng: random.Random) -> None:
        if not 0 <= index < MOST_APPLICATIONS:
            raise ValueError(f"a seed gives identities to applications 0-{MOST_APPLICATIONS - 1}")
        self._offset = random.Random(f"identities:{seed}").randrange(_DAYS * len(_SERIALS))
        self._index = index
        self._month = month
        self._rng = rng
        self.last_name = f"Provsson-{_LETTERS[index % len(_LETTERS)]}{index // len(_LETTERS)}"

    def adult(self, place: int, age: int) -> tuple[date, int]:
        """Return birthday and birth number for an adult of that age on the first of the month."""
        day_of_year, serial = self._slot(self._index * ADULTS + place)
        return self._birthday(day_of_year, age), serial

    def child(self, place: int, low: int, high: int) -> tuple[date, int, int]:
        """Return birthday, birth number and age for a child in the same age band on the first of the month as on the one before.

        A child who can't be (an infant born since) takes the slot of a fourth child: a household with one has no others.
        """
        day_of_year, serial = self._slot(self._index * CHILDREN + place)
        ages = self._ages(day_of_year, low, high)
        if not ages:
            day_of_year, serial = self._slot(self._index * CHILDREN + _SPARE_PLACE)
            ages = self._ages(day_of_year, low, high)
        age = self._rng.choice(ages)
        return self._birthday(day_of_year, age), serial, age

    def turning(self, ages: tuple[int, ...]) -> tuple[date, int, int]:
        """Return birthday, birth number and age for a child who was one year younger on the first of the month before."""
        turn, into = divmod(self._index // _TURNING_APART, _TURNING_DAYS)
        age = self._rng.choice(ages)
        return self._birthday((self._window_start() + into) % _DAYS, age), _TURNING_SERIALS[turn], age

    def first_name(self, place: int) -> str:
        """Return a made-up first name; no two in a household are the same."""
        return FIRST_NAMES[(self._index * 7 + place * 3) % len(FIRST_NAMES)]

    def party_id(self) -> str:
        """Return a new id for a person or an errand."""
        return str(UUID(int=self._rng.getrandbits(128), version=4))

    def _slot(self, number: int) -> tuple[int, int]:
        """Spread numbers over days and birth numbers, each to a place of its own."""
        place = (number + self._offset) * _STEP % (_DAYS * len(_SERIALS))
        return place // len(_SERIALS), _SERIALS[place % len(_SERIALS)]

    def _ages(self, day_of_year: int, low: int, high: int) -> list[int]:
        """Return the ages that don't change the band between the two first days, for a birthday on that day."""
        if (day_of_year - self._window_start()) % _DAYS >= _WINDOW_DAYS:
            return list(range(low, high + 1))
        return [age for age in range(low, high + 1) if age > 0 and band(age) == band(age - 1)]

    def _window_start(self) -> int:
        """Return the day of the year after the first of the month before: the first birthday that changes the age until the month."""
        before = shift(self._month, -1)
        return (date(_COMMON_YEAR, before.month, 1) - date(_COMMON_YEAR, 1, 1)).days + 1

    def _birthday(self, day_of_year: int, age: int) -> date:
        day = date(_COMMON_YEAR, 1, 1) + timedelta(days=day_of_year)
        birth = on(date(self._month.year - age, day.month, 1), day.day)
        if age_on(birth, self._month) < age:
            birth = on(date(self._month.year - age - 1, day.month, 1), day.day)
        return birth
