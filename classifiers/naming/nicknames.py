"""Nicknames: the short forms of given names that are in everybody's mouth ("Maggie" for Margaret, "Pepe" for José).

Those that are given to children as they are ("Greta", "Hans") are left out: who bears one is somebody else.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_TABLE: Final = """
    abigail: abby; albert: al bert; alexander: alex alec sasha; alexandra: alex sasha; alexei: alyosha; alfred: alf fred;
    amanda: mandy; andrew: andy drew; anna: annie ann; anthony: tony; antonio: tony tonio; arthur: art; barbara: barb babs;
    benjamin: ben benny; bernard: bernie; bertha: bertie; bradley: brad; caroline: carrie; catherine: cathy kate katie
    kitty; charles: charlie chuck; charlotte: lottie; christian: chris; christina: chris; christine: chris; christopher:
    chris; clifford: cliff; daniel: dan danny; david: dave davy; deborah: debbie deb; dmitri: dima mitya; donald: don
    donnie; dorothy: dot dolly; edward: ed eddie ned ted teddy; edwin: ed eddie; eleanor: ellie nell; elizabeth: beth betty
    bess eliza liz lizzie; emily: em; eugene: gene; ferdinand: ferdi; florence: flo; frances: fran; francis: frank;
    francisco: paco pancho; franklin: frank; frederick: fred freddie; friedrich: fritz; gabriel: gabe; geoffrey: geoff;
    gerald: gerry jerry; gilbert: gil bert; giuseppe: beppe; gregory: greg; gwendolyn: gwen; harold: harry hal; harriet:
    hattie; heinrich: heinz heiner; helen: nell; henry: harry hank; herbert: herb bert; hermann: hermi; ignacio: nacho;
    isabella: bella izzy; ivan: vanya; jacob: jake; jacqueline: jackie; james: jim jimmy jamie; jeffrey: jeff; jennifer: jen
    jenny; jesus: chuy; john: jack johnny; jonathan: jon; jose: pepe; josef: sepp; joseph: joe joey; josephine: jo josie;
    joshua: josh; judith: judy; julian: jules; katherine: kate kathy katie kitty; kathleen: kathy; kenneth: ken kenny;
    laurence: larry; lawrence: larry; leonard: len lenny leo; leonardo: leo; leopold: leo; lewis: lew; louis: lou; ludwig:
    lutz; madeleine: maddie; manuel: manolo; margaret: maggie meg peggy madge margie; margarete: grete gretel; martha:
    patty; martin: marty; mary: molly polly; matthew: matt; matilda: tilly; maximilian: max; maxwell: max; michael: mike
    mick mickey misha; mikhail: misha; mohammed: mo; nancy: nan; natalia: natasha; nathaniel: nat nate; nicholas: nick
    nicky; nicola: nicky; nikolai: kolya; norman: norm; olivia: liv livvy; oliver: ollie; pamela: pam; patricia: pat patty
    tricia; patrick: paddy pat; penelope: penny; peter: pete; philip: phil; phillip: phil; raymond: ray; rebecca: becky;
    reginald: reg reggie; richard: dick rich richie rick ricky; robert: bob bobby rob robbie bert; roberta: bobbie;
    roderick: rod; roger: rodge; ronald: ron ronnie; rosemary: rosie; rudolf: rudi; rudolph: rudy; russell: russ; samantha:
    sam; samuel: sam sammy; sarah: sadie; sebastian: seb basti; sergei: seryozha; simon: si; sophia: sophie; stanley: stan;
    stephanie: steph steffi; stephen: steve; steven: steve; stuart: stu; susan: sue susie; susanna: sue susie; svetlana:
    sveta; theodor: theo; theodore: ted teddy theo; theresa: terry tess; thomas: tom tommy; timothy: tim; tobias: toby;
    valentina: val; valerie: val; veronica: ronnie; victor: vic; victoria: vicky tori; vincent: vince vinnie; virginia:
    ginny; vladimir: vova volodya; walter: walt wally; wilhelm: willi willy; william: bill billy will willie; winston:
    winnie; yevgeny: zhenya; zachary: zach
"""


@lru_cache(maxsize=1)
def _nicknames() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    name = ""
    for word in _TABLE.replace(";", " ").split():
        if word.endswith(":"):
            name = word[:-1]
        else:
            found[name] = (*found.get(name, ()), word)
    return found


def nicknames(given: str) -> tuple[str, ...]:
    """Return the nicknames of a folded given name; none of an unknown one."""
    return _nicknames().get(given, ())
