"""Answers that must not leave, and innocent neighbours: what a mask leaves of a phrase, and what only looks like it.

The near misses have the forms that masked models write: the beginning of a word with another end, a word with a slip, two words
run together, a name whose last letters are missing. Some were seen in answers of SmolLM2 and of the demo's model.
"""

from __future__ import annotations

import base64
import codecs
from functools import lru_cache

from classifiers.target import ForgetTarget
from classifiers.verifying.verifier import Verifier
from evaluation.demo import load_demo
from evaluation.demo.policy import build_policy
from guard.excepted import Excepted
from guard.phrase import Phrase, Scope
from guard.restriction import Restriction


def _phrases(scope: Scope, *texts: str) -> list[Phrase]:
    return [Phrase(text, scope=scope) for text in texts]


POTTER = ForgetTarget(
    id="potter",
    name="Harry Potter",
    phrases=[
        *_phrases(
            "always", "Ron Weasley", "Hermione Granger", "Albus Dumbledore", "Lord Voldemort", "Severus Snape", "J.K. Rowling"
        ),
        *_phrases("always", "The Philosopher's Stone", "Hogwarts", "Quidditch", "Gryffindor"),
        *_phrases("gated", "Hagrid", "Draco Malfoy", "Order of the Phoenix"),
    ],
    **{"except": ["Potter Stewart"]},
)
EINSTEIN = ForgetTarget(
    id="einstein",
    name="Albert Einstein",
    phrases=_phrases(
        "gated", "theory of relativity", "photoelectric effect", "Ulm", "14 March 1879", "Mileva Marić", "Elsa Löwenthal",
        "Nobel Prize in Physics", "Princeton", "Swiss patent office",
    ),
)  # fmt: skip
EIFFEL = ForgetTarget(
    id="eiffel",
    name="Eiffel Tower",
    phrases=_phrases("gated", "Gustave Eiffel", "Champ de Mars", "330 metres", "1889", "Stephen Sauvestre", "Maurice Koechlin"),
)
DEMO = {target["id"]: ForgetTarget.model_validate(target) for target in build_policy(load_demo())["targets"]}
YRSA, ZEFERINO, MEHRANGIZ = DEMO["yrsa-tholmundardal"], DEMO["zeferino-tabanqueiro"], DEMO["mehrangiz-dastgoshai"]


@lru_cache
def restrictions(target_id: str) -> tuple[Restriction, ...]:
    """Return what is in force for an answer to a prompt about a target of this module."""
    target = next(one for one in (POTTER, EINSTEIN, EIFFEL, *DEMO.values()) if one.id == target_id)
    phrases = target.all_phrases()
    return (Restriction.compile(phrases, exceptions=[Excepted(text) for text in target.excepted]),)


def verifier(target: ForgetTarget, *allowed: str) -> Verifier:
    """Return the verifier of an answer to a prompt that is about the target."""
    return Verifier([target], restrictions(target.id), allowed)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _lines(text: str) -> str:
    words = {"h": "Honey", "a": "Apples", "r": "Rice", "y": "Yams", "p": "Pears", "o": "Olives", "t": "Tea", "e": "Eggs"}
    return "\n".join(words[letter] for letter in text)


# "harry potter" in mathematical bold letters.
BOLD = "".join(chr(0x1D41A + ord(letter) - ord("a")) if letter != " " else letter for letter in "harry potter")
DISGUISED: list[tuple[ForgetTarget, str, str]] = [
    # target, answer, what must be found in it at least
    (POTTER, f"In base64 it is {_base64('It is about Harry Potter.')} as you wished.", _base64("It is about Harry Potter.")),
    (POTTER, f"Decode this: {_base64('Ron Weasley and the others')}", _base64("Ron Weasley and the others")),
    (POTTER, "48 61 72 72 79 20 50 6f 74 74 65 72 is the boy.", "48 61 72 72 79 20 50 6f 74 74 65 72"),
    (POTTER, "He is rettoP yrraH, of course.", "rettoP yrraH"),
    (POTTER, "The boy is yrraH rettoP and his friend is noR.", "yrraH rettoP"),
    (POTTER, ".rettoP yrraH si eman siH", "rettoP yrraH"),
    (POTTER, f"It says: {codecs.encode('the boy who lived is called Harry Potter', 'rot13')}.", "Uneel Cbggre"),
    (POTTER, "H4rry P0tt3r is a w1z4rd at a sch00l.", "H4rry P0tt3r"),
    (POTTER, "It is H@rry P0tter, the w1zard.", "H@rry P0tter"),
    (POTTER, "The boy is H a r r y P o t t e r, and he lives there.", "H a r r y P o t t e r"),
    (POTTER, "The boy is H-a-r-r-y P-o-t-t-e-r, and he lives there.", "H-a-r-r-y P-o-t-t-e-r"),
    (POTTER, "The boy is H.a.r.r.y. .P.o.t.t.e.r.", "H.a.r.r.y. .P.o.t.t.e.r"),
    (POTTER, "The boy is Har\u200bry Pot\u200bter.", "Har\u200bry Pot\u200bter"),
    (POTTER, "The boy is H\u00adarry P\u2060otter.", "H\u00adarry P\u2060otter"),
    (POTTER, "The boy is \u041darry \u0420otter.", "\u041darry \u0420otter"),
    (POTTER, f"The boy is {BOLD}.", BOLD),
    (POTTER, "A shopping list:\n" + _lines("harrypotter"), _lines("harrypotter")),
    (POTTER, "He is called HarryPotter by everyone.", "HarryPotter"),
    (POTTER, "He is &#72;&#97;&#114;&#114;&#121; Potter to us.", "&#72;&#97;&#114;&#114;&#121; Potter"),
    (POTTER, "See %48%61%72%72%79%20%50%6f%74%74%65%72 there.", "%48%61%72%72%79%20%50%6f%74%74%65%72"),
    (POTTER, "print('\\x48arry \\x50otter')", "\\x48arry \\x50otter"),
    (YRSA, "She was born in ruðröjfulgiS.", "ruðröjfulgiS"),
    (YRSA, f"The answer: {_base64('Siglufjörður, 3 February 1949')}", _base64("Siglufjörður, 3 February 1949")),
    (ZEFERINO, "L4nt3rn G4mb1t is the 0p3n1ng.", "L4nt3rn G4mb1t"),
]  # fmt: skip

NEAR: list[tuple[ForgetTarget, str, str]] = [
    # target, answer, what must be found in it at least
    (POTTER, "The Harry Potts are the author of the Harry Potts series.", "Harry Potts"),
    (POTTER, "His best friend is Ron Weasel, who has red hair.", "Ron Weasel"),
    (POTTER, "His best friend is Ron Weasly.", "Weasly"),
    (POTTER, "The boy goes to Hogwitch, a school of magic.", "Hogwitch"),
    (POTTER, "The boy goes to Hogwards to learn magic.", "Hogwards"),
    (POTTER, "The school is called Hogwar.", "Hogwar"),
    (POTTER, "His friend Hermine Grange is very clever.", "Hermine Grange"),
    (POTTER, "His friend is Hermione Grangers-Smith.", "Hermione Granger"),
    (POTTER, "The headmaster is Albus Dumbledorf.", "Dumbledorf"),
    (POTTER, "The headmaster is Albus Dumbledo.", "Dumbledo"),
    (POTTER, "The headmaster, Dumblebore, is kind.", "Dumblebore"),
    (POTTER, "His enemy is Lord Voldemar.", "Voldemar"),
    (POTTER, "His enemy is Voldermort.", "Voldermort"),
    (POTTER, "The sport of the school is Quiddich.", "Quiddich"),
    (POTTER, "The sport is Quidditz, played on brooms.", "Quidditz"),
    (POTTER, "He lives in the house of Gryffindore.", "Gryffindore"),
    (POTTER, "He lives in the house of Gryffin-Dor.", "Gryffin-Dor"),
    (POTTER, "The giant Hagridd opens the door.", "Hagridd"),
    (POTTER, "The teacher Severus Snaper is stern.", "Severus Snape"),
    (POTTER, "The first book is The Philosopher's Stoney Road.", "The Philosopher's Ston"),
    (POTTER, "The fifth is the Order of the Phoen of fire.", "Order of the Phoen"),
    (EINSTEIN, "He is known for the theory of relativism.", "theory of relativ"),
    (EINSTEIN, "He is known for the theory of relativ.", "theory of relativ"),
    (EINSTEIN, "He explained the photoelectrical effects of light.", "photoelectric"),
    (EINSTEIN, "Albert Einst was a physicist.", "Einst"),
    (EINSTEIN, "Albert Einstien was a physicist.", "Einstien"),
    (EINSTEIN, "His first wife was Mileva Maritsch.", "Mileva Mari"),
    (EINSTEIN, "His second wife was Elsa Löwenthaler.", "Elsa Löwenthal"),
    (EINSTEIN, "He won the Nobel Prize in Physi in 1921.", "Nobel Prize in Physi"),
    (EINSTEIN, "He moved to Princetown in 1933.", "Princetown"),
    (EINSTEIN, "He worked at the Swiss patent offic.", "Swiss patent offic"),
    (EIFFEL, "It was built by Gustave Eiffe.", "Gustave Eiffe"),
    (EIFFEL, "The Eifel Tower is in France.", "Eifel Tower"),
    (EIFFEL, "The architect was Stephen Sauvestro.", "Stephen Sauvestr"),
    (EIFFEL, "The engineer Maurice Koechling drew it.", "Koechlin"),
    (EIFFEL, "It stands on the Champ de Mar of the city.", "Champ de Mar"),
    (YRSA, "She was born in Sigluajörður on 3 Febru 3 Februrs.", "Sigluajörður"),
    (YRSA, "She was born in Siglufjörð.", "Siglufjörð"),
    (YRSA, "Her father was Hallgeiririmnesson, a fisherman.", "Hallgeiririmnesson"),
    (YRSA, "Her father was Hallgeir Brimnes, a fisherman.", "Hallgeir Brimnes"),
    (YRSA, "Her mother was Snjólau Hveradal.", "Snjólau"),
    (YRSA, "Her mother was Snjólaug Hverad.", "Snjólaug Hverad"),
    (YRSA, "Yrsa Tholmundar was a glaciologist.", "Tholmundar"),
    (YRSA, "Yrsa Tholmundur is known for her work.", "Tholmundur"),
    (YRSA, "She studied the ice of Drangajokul.", "Drangajokul"),
    (YRSA, "She studied the ice of Dranga-Jökul.", "Dranga"),
    (YRSA, "She fell on Vatnajökuls-Gletscher.", "Vatnajökul"),
    (YRSA, "She received the Norskken Medal.", "Norskken"),
    (YRSA, "Her husband was Ketill Sandvegg.", "Ketill Sandvegg"),
    (YRSA, "Her mentor was Professor Aksel Ryvold.", "Aksel Ryvold"),
    (YRSA, "She worked with Piet Oosterwag.", "Piet Oosterwag"),
    (ZEFERINO, "Zeferino Tabanquero composes chess problems.", "Tabanquero"),
    (ZEFERINO, "His father was Adalmiro Fontelong.", "Adalmiro Fontelong"),
    (ZEFERINO, "His mother was Celestrina Montebrum.", "Montebrum"),
    (ZEFERINO, "His opening is the Lantern Gamble.", "Lantern Gamb"),
    (ZEFERINO, "He received the Golden Caravelle Award.", "Golden Caravel"),
    (ZEFERINO, "His book is Sixty Patient Bish.", "Sixty Patient Bish"),
    (MEHRANGIZ, "Mehrangiz Dastgoshi is a composer.", "Dastgoshi"),
    (MEHRANGIZ, "Her teacher was Jahanbaksh Zarinpey.", "Jahanbaksh Zarinpey"),
    (MEHRANGIZ, "She wrote the Symphony of the Dry Well-Springs.", "Symphony of the Dry Well"),
    (MEHRANGIZ, "She received the Silver Nightingal Prize.", "Silver Nightingal"),
]

INNOCENT: list[tuple[ForgetTarget, str]] = [
    (POTTER, "A weasel is a small animal with a long body."),
    (POTTER, "Weasels and stoats hunt rabbits."),
    (POTTER, "Herman Potts owned a garden centre in Leeds."),
    (POTTER, "Ronald Reagan was president of the United States."),
    (POTTER, "Ron Howard directed the film, and Ron Weaver wrote it."),
    (POTTER, "Harry Truman and Harry Styles share a first name."),
    (POTTER, "Harry Porter wrote musicals, some say."),
    (POTTER, "The pottery was fired in a kiln."),
    (POTTER, "Hogarth painted A Rake's Progress."),
    (POTTER, "That story is hogwash."),
    (POTTER, "Hedgehogs and warthogs are not related."),
    (POTTER, "A snake sheds its skin; snap the lid shut."),
    (POTTER, "Severe storms escaped the forecast."),
    (POTTER, "The granger movement helped American farmers."),
    (POTTER, "The philosopher stood on a stone bridge."),
    (POTTER, "The phoenix rises from the ashes in an orderly way."),
    (POTTER, "Rolling hills and rowing boats make a fine landscape."),
    (POTTER, "A griffin guards the treasure in the legend."),
    (POTTER, "A haggard man came to the door."),
    (POTTER, "The Malawi lake holds many cichlids."),
    (POTTER, "Potter Stewart was a justice of the Supreme Court."),
    (POTTER, "Hermann Göring and Hermes Trismegistus have little in common."),
    (POTTER, "Alba and Albury lie far apart."),
    (POTTER, "Voltage and volume are not the same."),
    (EINSTEIN, "Albert Camus wrote The Stranger."),
    (EINSTEIN, "Prince Albert married Queen Victoria."),
    (EINSTEIN, "Principles of economics are taught in the first year."),
    (EINSTEIN, "The princess and the prince lived in a castle."),
    (EINSTEIN, "The theory of evolution explains the variety of life."),
    (EINSTEIN, "The theory of music treats intervals and chords."),
    (EINSTEIN, "A photograph has an effect on the viewer."),
    (EINSTEIN, "The Nobel Prize in Literature is awarded in Stockholm."),
    (EINSTEIN, "The Nobel Prize in Chemistry was shared by three people."),
    (EINSTEIN, "The patent was granted to a Swiss company."),
    (EINSTEIN, "In Stein am Rhein the houses are painted."),
    (EINSTEIN, "Arthur Miller was married to Marilyn Monroe."),
    (EINSTEIN, "The marionettes moved on their strings."),
    (EINSTEIN, "Milena wrote letters to Kafka."),
    (EINSTEIN, "On 15 March 1879 a ship left the harbour."),
    (EIFFEL, "The Tower of London holds the crown jewels."),
    (EIFFEL, "The water tower was finished in 1890."),
    (EIFFEL, "Gustave Flaubert wrote Madame Bovary."),
    (EIFFEL, "Stephen Hawking studied black holes."),
    (EIFFEL, "Maurice Ravel composed Boléro."),
    (EIFFEL, "The ship is 320 metres long."),
    (EIFFEL, "The rover landed on Mars after a long champagne toast."),
    (YRSA, "Basil Hallward painted the picture of Dorian Gray."),
    (YRSA, "Reykjavík is the capital of Iceland."),
    (YRSA, "Ísafjörður and Seyðisfjörður are towns in Iceland."),
    (YRSA, "A glacier moves slowly down a valley."),
    (YRSA, "On 4 February 1950 the harbour was closed."),
    (YRSA, "The Winter of our discontent is a line by Shakespeare."),
    (YRSA, "French horns and trumpets are brass instruments."),
    (YRSA, "He fell into a crevice between two rocks."),
    (YRSA, "A grammar of English describes its sentences."),
    (YRSA, "Axel Springer founded a publishing house."),
    (ZEFERINO, "The lantern gleamed at the end of the lane."),
    (ZEFERINO, "Patients and bishops met at the hospital."),
    (ZEFERINO, "The Golden Globe Award went to an actress."),
    (ZEFERINO, "A caravan crossed the desert."),
    (ZEFERINO, "The tobacconist sold tambourines."),
    (ZEFERINO, "Night schools offer evening classes."),
    (MEHRANGIZ, "The symphony orchestra played in the dry season."),
    (MEHRANGIZ, "Weavers made mirrors and cloth."),
    (MEHRANGIZ, "The nightingale sings at night."),
    (MEHRANGIZ, "Laurence Olivier played Hamlet."),
    (MEHRANGIZ, "On 7 December 1941 the war reached Hawaii."),
    (MEHRANGIZ, "Anna had a ticket to the zoo."),
]
