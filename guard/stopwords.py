"""English function words. They are too common to be anchors, and a phrase of nothing else must be forced."""

from __future__ import annotations

_FUNCTION_WORDS = """
    the and but nor for yet because although though unless until while whereas whether than that this these those
    you your yours yourself yourselves him his himself she her hers herself its itself our ours ourselves they them their
    theirs themselves myself one ones oneself who whom whose which what when where why how
    whoever whomever whichever whatever whenever wherever however
    are was were been being have has had having does did doing done can could may might must shall should will would ought
    isn aren wasn weren haven hasn hadn doesn didn don won wouldn couldn shouldn mustn mightn needn shan ain cannot
    not never neither either none nothing nobody nowhere something somebody someone somewhere anything anybody anyone anywhere
    everything everybody everyone everywhere
    about above across after against along amid among amongst around before behind below beneath beside besides between beyond
    despite down during except from inside into near off onto out outside over past per since through throughout toward towards
    under underneath upon via with within without
    all another any both each enough every few fewer less least many more most much other others own same several some such
    too very also again already always almost else even ever hence here just maybe now often once only perhaps quite rather
    really sometimes still then there thereby therefore therein thus together usually well
    yes let lets got get gets getting make makes made like etc
"""

_SHORT = """
    a i an as at be by do go he if in is it me my no of oh ok on or so to up us we am d ll m re s t ve
"""

STOP_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Folded words of three or more letters. A contraction folds to its parts: "don't" becomes "don" and "t"."""

COMMON_WORDS = STOP_WORDS | frozenset(_SHORT.split())
"""`STOP_WORDS` and the function words of one or two letters."""
