"""Code that nobody fenced: most code in Alpaca-like data stands in the text as it is.

A line is *sure* code, or *likely* code, which counts only next to a sure line: "x = 5" alone may be a formula that
belongs to a sentence, and "# Results" a heading. Written for Python, C-like languages, SQL, HTML, CSS, JSON and shell.
"""

import re
from collections.abc import Sequence

_SURE = [
    # declarations
    r"(?:async\s+)?def \w+\s*\(.*",
    r"class \w+(?:\(.*\))?:\s*$|with .*\(.*\) as \w+:\s*$",
    r"(?:void|int|char|float|double|bool|string|String)\s+\w+\s*\(.*\)?\s*[{;]?\s*$",
    r"(?:public|private|protected|static|final)\s+[\w<>\[\]]+.*[{;(]\s*",
    r"(?:function|func|fn) \w*\s*\(.*",
    r"(?:var|let|const) \w+\s*(?:=|;).*",
    r"(?:from [\w.]+ )?import [\w.*]+(?:\s+as \w+)?(?:\s*,\s*[\w.]+)*;?\s*$",
    r"#include\s*[<\"].*|using namespace .*|package [\w.]+;|@\w+(?:\(.*\))?$|#!/.*",
    # control flow
    r"(?:for|while|if|elif|switch|foreach|else if)\s*\(.*\)\s*[{:]?\s*$",
    r"for \w+(?:\s*,\s*\w+)* in .*:\s*$|while [^.?!]*:\s*$",
    r"(?:if|elif) .*(?:[=<>!%()\[\]]|\b(?:in|not)\b).*:\s*$",
    r"(?:else|try|finally|do)\s*[:{]\s*$|except\b.*:\s*$",
    r"return [\w.]+;?\s*$|return\b.*[;()\[\]+*].*$",
    # statements
    r"(?:print|printf|println|echo|console\.\w+|System\.out\.\w+|cout|puts)\s*(?:\(|<<|\").*",
    r"[A-Za-z_$][A-Za-z0-9_.\[\]'\"]*\((?!e?s\))[^()]*(?:\([^()]*\)[^()]*)*\);?\s*$",
    r"[\w\s.\[\]<>*&'\"]+\s*[-+*/]?=.*;\s*$|[\w.]+(?:\+\+|--);",
    r"[\w\s#.,:>*-]*\{\s*$|[\])}]+[;,]?\s*$",
    # SQL, in capitals
    r"SELECT\b.*(?:\bFROM\b|[*,]|;).*(?<![.!?])$|(?:INSERT INTO|DELETE FROM)\s+\w+.*|UPDATE \w+ SET\b.*",
    r"(?:CREATE|ALTER|DROP) (?:OR REPLACE )?(?:TABLE|VIEW|INDEX|DATABASE|TRIGGER|FUNCTION|PROCEDURE|USER|COLUMN)\b.*",
    # CSS, JSON
    r"[a-z-]+\s*:\s*[^;:]+;\s*$|\"[\w $-]+\"\s*:\s*(?:[\[{].*|(?:\".*\"|[-\w.]+)\s*[,}\]]*\s*$)",
    # shell
    r"\$ \w+.*|(?:sudo|pip3?|npm|apt-get|docker|git (?:add|commit|push|pull|clone|checkout))\s+[\w-].*(?<![.!?])$",
]
_LIKELY = [
    r"\s{2,}\S.*|\t.*",  # indented
    r"\s*(?:#|//|/\*|\*|--|%)\s?\S.*",  # a comment
    r"\s*[\w.\[\]'\", ]+\s*[-+*/|&]?=\s*\S.*",  # an assignment
    r".*[;{}\\,(\[]\s*$|\s*[\[({].*[\])}],?\s*$|\s*[\w.]+\(.*\).*",
    # a clause of a query
    r"\s*(?:SELECT|UPDATE|FROM|WHERE|AND|OR|GROUP BY|ORDER BY|HAVING|LIMIT|VALUES|SET|ON|UNION"
    r"|(?:INNER |LEFT |RIGHT |OUTER )?JOIN)\b(?=.*[\w;)]).*(?<![.!?])$",
    r"\s*(?:return|pass|break|continue|yield|raise|end)\b.*",
]
# (?!...): a Markdown link, [text](address), looks like a call and is none.
_IS_SURE = re.compile(rf"\s*(?!\[[^\]]*\]\()(?:{'|'.join(_SURE)})")
_IS_LIKELY = re.compile("|".join(_LIKELY))
# Lines without any of these hold no sure code, and most texts have none of them.
_HINT = re.compile(
    r"[(){};=@\"$]|#[i!]|^\s*(?:import|from|class|return|else|try|finally|do|except|for|while"
    r"|SELECT|CREATE|ALTER|DROP|DELETE|INSERT|UPDATE|FROM|WHERE|GROUP|ORDER|HAVING|LIMIT|VALUES|SET|JOIN|INNER|LEFT|RIGHT|OUTER"
    r"|if|elif|echo|package|using|sudo|pip3?|npm|apt-get|docker|git)\b|[\])}]|:\s*$"
)

_LONGEST = 500  # characters; a longer line is a paragraph, and on one of 100,000 some patterns would take minutes


def code_lines(lines: Sequence[str]) -> list[bool]:
    """Which lines of a text are code; blank ones are not."""
    code = [
        len(line) <= _LONGEST and _HINT.search(line) is not None and _IS_SURE.match(line) is not None for line in lines
    ]
    if not any(code):
        return code
    # Sure code extends to likely lines next to it, downwards, then upwards. Blank lines do not stop it.
    extends = [not line.strip() or (len(line) <= _LONGEST and _IS_LIKELY.match(line) is not None) for line in lines]
    for index in range(1, len(lines)):
        code[index] = code[index] or (code[index - 1] and extends[index])
    for index in range(len(lines) - 2, -1, -1):
        code[index] = code[index] or (code[index + 1] and extends[index])
    return [inside and bool(line.strip()) for inside, line in zip(code, lines)]
