"""Kinds: what sort of thing a text speaks about, by the ordinary words that go with it ("who dies in", "how many seasons").

"Up", "Oasis" and "Subway" are names of several things, and ordinary words. A prompt that has one of them and speaks about the
same kind of thing as the target's own texts is more often about the target. The words were written by hand.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Final

_LISTS = {
    "screen": """
        film films movie movies cinema series show season seasons episode episodes scene scenes director directed directs actor
        actors actress cast plays played play starring stars dies sequel trailer remake netflix oscar oscars villain soundtrack
        filmed shot sitcom finale ending kino serie staffel folge regisseur schauspieler pelicula temporada saison
        """,
    "book": """
        novel novels book books chapter chapters author wrote write writes written writer reader read reading story narrator poem
        poems fiction plot character characters ending published publisher pages buch roman autor autorin livre auteur libro
        novela autora
        """,
    "music": """
        song songs album albums track tracks band singer sang sings sing lyrics chords concert concerts tour gig vinyl guitar
        drummer bassist piano music musical charts hit melody lied lieder chanson cancion disco
        """,
    "picture": """
        painting paintings painted paint paints painter picture canvas gallery museum brush hang hangs drawn drew print prints
        portrait gemalde gemalt bild maler tableau peint cuadro pintado pintor
        """,
    "game": "game games player players level levels console mod mods server multiplayer spiel spieler jeu juego",
    "firm": """
        founded founder founders ceo headquarters company companies firm subsidiary employees employee revenue profit shares share
        stock subscription delivery refund website app customer customers store stores shop branch branches owns own owned owner
        product products logo slogan staff jobs hiring account cancel trial order orders price prices menu franchise network
        tariff contract firma unternehmen entreprise empresa
        """,
    "body": """
        member members membership donate donation volunteer volunteers founded founder headquarters secretary organisation
        organization agency charity mission staff budget funds funding office treaty
        """,
    "team": "players player coach captain stadium match matches league cup team won lost world score scored squad jersey fans",
    "place": """
        temple tower city town village county visit ticket tickets visitors architect bridge castle palace located capital state
        stadt ort dorf ville ciudad
        """,
    "nature": """
        river rainforest jungle forest lake mountain desert volcano parrot bird fish frog beetle spider flower plant tree fruit
        juice mineral disease syndrome muscle protein gene fluss rio fleuve bosque foret
        """,
    "person": """
        he him his she her hers wife husband mother father son daughter brother sister parents children childhood death grave
        birthday marriage divorce diary memoir autobiography biography speech letters born died married lived said thought career
        """,
}
KINDS: Final = {kind: frozenset(words.split()) for kind, words in _LISTS.items()}
"""For each kind, the folded words that go with it, in English and a few in German, French and Spanish."""


def kinds_of(words: Iterable[str], names: Container[str] = ()) -> frozenset[str]:
    """Return the kinds with which any of some folded words goes.

    Args:
        words: The words.
        names: Words that do not count: those of the name itself ("Squid Game").
    """
    given = {word for word in words if word not in names}
    return frozenset(kind for kind, those in KINDS.items() if not those.isdisjoint(given))
