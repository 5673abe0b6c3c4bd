"""Damage: what is put into text and bytes that were right, drawn from a random generator."""

from __future__ import annotations

from random import Random

#: Stretches of text that have broken readers of YAML, JSON, numbers, names or terminals.
FRAGMENTS = (
    *("1e400", "-1e400", ".nan", ".inf", "NaN", "Infinity", "1_000", "0x10", "1:30", "9" * 400, "-0", "1e-400", "٣"),
    *("!!timestamp 2001-01-01", "!!python/object/apply:os.system [id]", "!!binary aGk=", "<<: *a", "&a [*a]", "*a"),
    *("{" * 3000, "[" * 3000, "- " * 2000, '{"a":' * 1500, "(" * 500),
    *("\x00", "\x1b[2J", "\x1b]0;title\x07", "\u202eetar", "\ud800", "\ufeff", "\r", "\x7f", "\u2028", "\U0001d7d8"),
    *("a" * 100_000, "../../../../etc/passwd", "/dev/zero", "/dev/full", "~", "$(id)", "%s%n", "{{7*7}}", "<script>"),
    *("true", "null", "[]", "{}", '""', "-1", "0", "1.5", "18446744073709551616", "2:4", "4:2", "0:0", "1e999:1"),
)
_COUNTS = (-1, 0, 1, 2, 3, 7, 63, 64, 65, 255, 256, 1 << 16, (1 << 31) - 1, 1 << 32, 1 << 62, 1 << 64, 10**30)


def number(random: Random) -> str:
    """A number as an option or a file may say it, mostly one that should not be there."""
    return random.choice((str(random.choice(_COUNTS)), random.choice(FRAGMENTS), str(random.uniform(-10, 10))))


def text(right: str, random: Random) -> str:
    """`right` after one to three accidents: a piece lost, doubled, moved or replaced."""
    for _ in range(random.randint(1, 3)):
        begin, end = sorted(random.randrange(len(right) + 1) for _ in range(2))
        end = min(end, begin + random.choice((1, 3, 10, 1000)))
        accident = random.randrange(6)
        if accident == 0:
            right = right[:begin] + right[end:]
        elif accident == 1:
            right = right[:end] + right[begin:]
        elif accident == 2:
            right = right[:begin]
        elif accident == 3:
            right = right[:begin] + random.choice(FRAGMENTS) + right[end:]
        elif accident == 4:
            right = _digits(right, random)
        else:
            lines = right.splitlines(keepends=True)
            random.shuffle(lines)
            right = "".join(lines)
    return right


def argument(drawn: str) -> str:
    """What of it a process can be given: no zero bytes, and of halves of surrogate pairs those that stand for bytes."""
    return drawn.replace("\x00", "").encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")


def data(right: bytes, random: Random) -> bytes:
    """The same for bytes: some flipped, a stretch lost, doubled, or filled with one value."""
    content = bytearray(right)
    for _ in range(random.randint(1, 3)):
        if not content:
            return b""
        begin = random.randrange(len(content))
        end = min(len(content), begin + random.choice((1, 4, 64, 4096)))
        accident = random.randrange(6)
        if accident == 0:
            del content[begin:]
        elif accident == 1:
            del content[begin:end]
        elif accident == 2:
            content[begin:begin] = content[begin:end]
        elif accident == 3:
            content[begin:end] = bytes([random.choice((0, 0x20, 0x7F, 0xFF))]) * (end - begin)
        elif accident == 4:
            content[begin:end] = random.choice(FRAGMENTS).encode("utf-8", "surrogatepass")[:5000]
        else:
            content[begin] ^= 1 << random.randrange(8)
    return bytes(content)


def _digits(right: str, random: Random) -> str:
    """One number in it is another."""
    places = [place for place, character in enumerate(right) if character.isdigit()]
    if not places:
        return right
    place = random.choice(places)
    return right[:place] + number(random) + right[place + 1 :]
