"""Distinctive words: those words of a name that mean the person by themselves, in an answer about the person.

The cut is by frequency, because there is no list of everybody's name: a word that is rare in fifteen languages is distinctive.
A frequent word still is if it comes last, where the surname is, unless it is an ordinary English word, a common given name, or
one of the commonest surnames. A table in the tests shows the values of names on both sides of the cut.
"""

from __future__ import annotations

from collections.abc import Sequence

from guard.forms.endings import script
from guard.forms.names import PARTICLES, SUFFIXES, TITLES, Part
from guard.frequency import commonness, english, english_words
from guard.stopwords import COMMON_WORDS

# The Zipf value below which a word is distinctive wherever it is: Hermione has 3.4, Albert 4.5, Harry 4.7.
_RARE = 3.5
# The same for the last word, in English, if it is an English word: Potter has 4.1, Bell 4.6, Price 5.2.
_RARE_SURNAME = 4.3
# The same for the last word that is no English word: Merkel has 4.8, Obama 4.9, Washington 5.1.
_KNOWN_SURNAME = 5.0
_SHORTEST = 3
# In a script whose frequent words are not known, only a long last word is distinctive.
_LONG = 5

_SURNAMES = """
    smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson anderson thomas
    taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez lewis robinson walker young allen king
    wright scott torres nguyen hill flores green adams nelson baker hall rivera campbell mitchell carter roberts gomez phillips
    evans turner diaz parker cruz edwards collins reyes stewart morris morales murphy cook rogers gutierrez ortiz morgan cooper
    peterson bailey reed kelly howard ramos kim cox ward richardson watson brooks chavez wood james bennett gray mendoza ruiz
    hughes price alvarez castillo sanders patel myers long ross foster jimenez simpson graham hamilton wallace jordan davies
    muller schmidt schneider fischer weber meyer wagner becker schulz hoffmann schafer koch bauer richter klein wolf schroder
    neumann schwarz zimmermann braun kruger hofmann hartmann lange schmitt werner krause meier lehmann maier bernard dubois
    durand leroy moreau simon laurent lefebvre michel fournier rossi russo ferrari esposito bianchi romano colombo ricci marino
    greco bruno gallo conti costa fernandez romero alonso navarro dominguez vazquez gil serrano molina suarez castro delgado
    silva santos oliveira souza pereira ferreira almeida gomes ribeiro carvalho lima rodrigues alves nowak kowalski kowalska
    ivanov petrov novak horvat nagy kovacs toth szabo varga jansen bakker visser smit hansen johansen olsen larsen andersen
    pedersen nilsen kristiansen jensen nielsen christensen rasmussen johansson andersson karlsson nilsson eriksson larsson
    olsson persson korhonen virtanen yilmaz kaya demir celik sahin wang li zhang liu chen yang huang zhao wu zhou tran pham
    khan singh kumar sharma gupta ali ahmed hussain hassan mohamed tanaka suzuki sato
"""
COMMON_SURNAMES = frozenset(_SURNAMES.split())
"""Folded surnames that many people have, from the tables of several countries' statistical offices."""

_GIVEN_NAMES = """
    james john robert michael william david richard joseph thomas charles christopher daniel matthew anthony mark donald steven
    paul andrew joshua kenneth kevin brian george edward ronald timothy jason jeffrey ryan jacob gary nicholas eric jonathan
    stephen larry justin scott brandon benjamin samuel gregory alexander frank patrick raymond jack dennis jerry tyler aaron
    jose adam nathan henry douglas zachary peter kyle walter ethan jeremy harold carl keith roger gerald terry sean arthur
    austin christian noah lawrence jesse joe bryan billy jordan albert dylan bruce willie gabriel alan juan logan wayne ralph
    roy eugene randy vincent russell louis philip bobby johnny bradley oscar oliver harry fred theodore leo max felix hugo
    victor martin simon ben tom tim jim bob mike dave mary patricia jennifer linda elizabeth barbara susan jessica sarah karen
    lisa nancy betty sandra margaret ashley kimberly emily donna michelle carol amanda melissa deborah stephanie dorothy
    rebecca sharon laura cynthia amy kathleen angela shirley brenda emma anna pamela nicole samantha katherine christine helen
    debra rachel carolyn janet maria catherine heather diane olivia julie joyce victoria ruth virginia lauren kelly christina
    joan evelyn judith andrea hannah megan cheryl jacqueline martha madison teresa gloria sara janice ann kathryn abigail
    sophia frances jean alice judy isabella julia grace amber denise danielle marilyn beverly charlotte natalie theresa diana
    brittany doris kayla alexis lori marie rose jane eva lucy clara ella claire kate ellen lily anne hans peter wolfgang klaus
    jurgen dieter manfred uwe gunter horst heinz karl fritz ludwig johann otto ernst jean pierre jacques philippe francois
    claude luc antoine julien carlos luis jorge miguel pedro manuel antonio francisco javier diego pablo fernando sergio
    ricardo eduardo roberto giuseppe giovanni mario luigi francesco andrea marco paolo luca joao ivan vladimir dmitri sergei
    alexei nikolai boris igor oleg yuri anastasia natalia olga svetlana irina tatiana jan piotr krzysztof andrzej tomasz lars
    erik sven olaf ole nils mehmet mustafa ahmet ali mohammed muhammad mohamed ahmed omar hassan fatima
"""
GIVEN_NAMES = frozenset(_GIVEN_NAMES.split())
"""Folded given names that many people have."""
_NEVER = PARTICLES | TITLES | SUFFIXES | COMMON_WORDS | GIVEN_NAMES | COMMON_SURNAMES


def is_distinctive(word: str, last: bool) -> bool:
    """Return whether a folded word of a name is distinctive.

    Args:
        word: The folded word.
        last: Whether it is in the place of the surname.
    """
    if len(word) < _SHORTEST or word in _NEVER or not word.isalpha():
        return False
    if script(word) not in ("Latin", "Cyrillic"):
        return last and len(word) >= _LONG
    common = commonness(word)
    if common < _RARE:
        return True
    if not last:
        return False
    return common < _KNOWN_SURNAME and (word not in english_words() or english(word) < _RARE_SURNAME)


def distinctive_words(parts: Sequence[Part]) -> list[tuple[str, ...]]:
    """Return the distinctive words of a name's parts, the last part first; a part of several words ("o hara") stays together."""
    found: list[tuple[str, ...]] = []
    for part in reversed(parts):
        last = part is parts[-1]
        if len(part.words) == 1:
            if is_distinctive(part.words[0], last):
                found.append(part.words)
        elif is_distinctive("".join(part.words), last) and not all(word in _NEVER for word in part.words):
            found.append(part.words)
    return found
