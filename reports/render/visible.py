"""Hostile text made visible: it can reach a terminal, a browser or an XML file and change nothing.

`visible` is for evidence: every control, invisible or unassigned character is shown as a picture or an
escape, line ends included. `prose` is for sentences: the same, with white space collapsed to single
spaces. Both results hold printable characters only (`visible` also a plain line feed after each line end
it shows), so they are valid XML 1.0 and valid UTF-8. Markup is another matter: escaping it stays with the
format that has it.
"""

import re
import unicodedata

LONGEST = 2000
CUT = "…"
LINE_ENDS = {"\r\n": "␍␊\n", "\r": "␍\n", "\n": "␊\n"}
PICTURES = {chr(code): chr(0x2400 + code) for code in range(0x20)} | {"\x7f": "␡"}  # Control Pictures
ABBREVIATIONS = (
    "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI "
    "DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US DEL"
)
NAMES = dict(zip(PICTURES.values(), ABBREVIATIONS.split(), strict=True))
SHOWN = PICTURES | LINE_ENDS
HIDDEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
TOKEN = re.compile(r"\r\n|.", re.DOTALL)
MARK = re.compile(r"[␀-␡]|⟨U\+[0-9A-F]{4,6}⟩")


def visible(text: str, longest: int = LONGEST) -> str:
    """Return evidence with nothing hidden in it, cut to so many characters of the original."""
    shown = "".join(_show(token) for token in TOKEN.findall(text[:longest]))
    return shown.removesuffix("\n") + (CUT if len(text) > longest else "")


def prose(text: str, longest: int = LONGEST) -> str:
    """Return a sentence on one line with nothing hidden in it, cut to so many characters of the original."""
    flat = " ".join(text[:longest].split()) + (CUT if len(text) > longest else "")
    return flat if flat.isascii() and flat.isprintable() else "".join(map(_show, flat))


def abbreviation(mark: str) -> str:
    """Return the abbreviation of a pictured control, for media whose fonts may lack the pictures."""
    return NAMES.get(mark, mark)


def _show(token: str) -> str:
    if token in SHOWN:
        return SHOWN[token]
    # A picture that was sent as such must not pass for the character it pictures.
    if MARK.fullmatch(token) or unicodedata.category(token) in HIDDEN:
        return f"⟨U+{ord(token):04X}⟩"
    return token
