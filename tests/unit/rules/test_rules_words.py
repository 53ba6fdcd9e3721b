"""The reviewed words in applicants' own text: what must reach a person at once, and what must not."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules import Rulebook, RulebookError
from rules.words import read_words

FIRES = [
    ("urgent.eviction", "Vi ska bli VRÄKTA på fredag!"),
    ("urgent.eviction", "Jag har fått ett brev om avhysning."),
    ("urgent.eviction", "Vi riskerar att förlora lägenheten."),
    ("urgent.eviction", "Hyresvärden vill vräka oss"),
    ("urgent.eviction", "hyran, annars blir det vräkning"),
    ("urgent.eviction", "Jag är uppsagd från min lägenhet"),
    ("urgent.eviction", "Jag har varit på bio. Sedan kom vräkningen."),
    ("urgent.no_food", "Vi har ingen mat hemma"),
    ("urgent.no_food", "jag har inte råd med mat"),
    ("urgent.no_food", "Har inte haft råd till mat den här veckan"),
    ("urgent.no_food", "Maten tar slut"),
    ("urgent.no_food", "Kylskåpet är tomt."),
    ("urgent.no_food", "Barnen har inget att äta"),
    ("urgent.no_food", "Vi har inga pengar\ntill mat"),
    ("urgent.no_medicine", "Min medicin är slut"),
    ("urgent.no_medicine", "Jag kan inte hämta ut min medicin"),
    ("urgent.no_medicine", "är utan mina mediciner sedan i måndags"),
    ("urgent.no_medicine", "inte råd med insulin"),
    ("urgent.violence", "Min man slår mig"),
    ("urgent.violence", "Jag är utsatt för våld och hot."),
    ("urgent.violence", "Han har hotat mig flera gånger"),
    ("urgent.violence", "jag är rädd för min sambo"),
    ("urgent.violence", "Blivit misshandlad"),
    ("urgent.violence", "Bor på skyddat boende"),
    ("urgent.child_in_danger", "Barnen far illa hemma"),
    ("urgent.child_in_danger", "min son är inte trygg hos honom, barnet är i fara"),
    ("urgent.child_in_danger", "Han slår barnen"),
    ("urgent.homeless", "Jag är hemlös"),
    ("urgent.homeless", "Vi sover i bilen"),
    ("urgent.homeless", "har ingenstans att bo"),
    ("urgent.homeless", "jag bor på gatan"),
    ("urgent.homeless", "Vi står utan bostad från den första"),
    ("case.debt", "Jag har en hyresskuld"),
    ("case.debt", "Har inte kunnat betala hyran"),
    ("case.debt", "Vi ligger efter med elen"),
    ("case.debt", "De stängde av strömmen"),
]

MUST_NOT_FIRE = [
    "Jag jobbar extra och ser på vräkning i spelet Monopol",  # the game
    "Det blev en vräkig fest",  # showy
    "Han vräkte i sig maten",  # wolfed it down
    "Jag är hungrig på nytt arbete",
    "Ingen matlagning ingår i kursen",
    "Ingen mat serveras på praktiken",
    "Maten är god, pengarna är slut",  # a comma stands between
    "Automaten är slut",
    "Jag har ingen medicinsk utbildning",
    "Utbildningen i medicin är slut",
    "Läkaren valde behandling utan medicin",
    "Det var våldsamt billigt",
    "Jag slog mig ner vid datorn",
    "Det slår mig att jag glömt kvittot",
    "Jag har slagit mig fram i livet",
    "Jag städar på ett hotell",
    "Fotoalbumet",
    "Barnens far arbetar i Norge",
    "Barnet mår illa av bussresor",
    "Jag arbetar ideellt med hemlösa",
    "Vi tar hand om hemlösa katter",
    "Jag bor på Storgatan 3",
    "Jag bor på gatan där skolan ligger",
    "Vi har ingen bostadsrätt",
    "Jag har vald ort i Skåne",
    "Skuldra och nacke gör ont",
    "Hyran är betald",
    "",
    "   \n",
]


@pytest.mark.parametrize(("code", "text"), FIRES)
def test_a_text_that_a_person_must_see_is_seen(code: str, text: str, rulebook: Rulebook) -> None:
    assert code in rulebook.words.flags_in([text])


@pytest.mark.parametrize("text", MUST_NOT_FIRE)
def test_a_word_that_only_looks_like_it_raises_nothing(text: str, rulebook: Rulebook) -> None:
    assert rulebook.words.flags_in([text]) == ()


def test_an_exception_takes_away_only_itself(rulebook: Rulebook) -> None:
    assert rulebook.words.flags_in(["vräkning i spelet, men på riktigt blir det vräkning"]) == ("urgent.eviction",)


def test_composed_and_decomposed_letters_are_the_same_word(rulebook: Rulebook) -> None:
    assert rulebook.words.flags_in(["va\u030ald", "hemlo\u0308s"]) == ("urgent.violence", "urgent.homeless")


def test_a_very_long_text_is_read_in_a_moment(rulebook: Rulebook) -> None:
    assert rulebook.words.flags_in(["inte " * 4_000 + "ingen mat"]) == ("urgent.no_food",)


def test_every_word_and_phrase_of_the_list_finds_itself(rulebook: Rulebook) -> None:
    for code, words in rulebook.words.lists.items():
        for word in words.words:
            assert code in rulebook.words.flags_in([f"x {word} y"])


def test_a_word_that_is_no_word_is_refused_with_its_place(tmp_path: Path) -> None:
    from rules.words import FILE

    broken = tmp_path / "words.yaml"
    broken.write_text(FILE.read_text("utf-8").replace("words: [vräkt,", "words: [Vräkt,"), "utf-8")

    with pytest.raises(RulebookError, match=r"words\.yaml:9: urgent\.eviction\.words\[0\]: `Vräkt` is not one word in small letters"):
        read_words(broken)
