"""Draw pronounceable names from syllables and words; the same random stream gives the same names."""

import numpy as np


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_ONSETS = _split("b br c ch d dr f g h j k l m n p r s sh st t tr v w z")
_VOWELS = _split("a a a a e e e i i o o u ai ia é")
_CODAS = _split("n r l s m x nd k st th")
_GIVEN = _split(
    "Ada Amara Anton Bela Bruno Cleo Dario Edda Elio Farah Gia Hanna Idris Ines Jonas Juno Kaito Lena Lior Mara "
    "Marlo Mila Nadir Nora Odile Omar Petra Quinn Rafa Rosa Samir Sol Tamsin Teo Uma Vera Viggo Wren Yara Zeno"
)
_ADJECTIVES = _split(
    "Amber Broken Burning Cold Crystal Distant Electric Endless Fading Golden Hollow Hidden Idle Ivory Last "
    "Little Lonely Lost Midnight Neon Northern Open Paper Quiet Restless Sacred Scarlet Secret Silent Silver Slow "
    "Soft Southern Strange Sudden Tender Velvet Violet Wild Winter"
)
_NOUNS = _split(
    "Anchor Animal Avenue Bloom Border Bridge Canyon Cathedral City Comet Coast Desert Diary Dream Echo Empire "
    "Engine Fever Fire Forest Garden Ghost Harbour Heart Horizon House Island Lantern Letter Light Machine Mirror "
    "Moon Mountain Ocean Orchid Paradise Parade River Road Room Satellite Season Shadow Signal Sky Spring Station "
    "Stone Storm Street Summer Sun Tide Tower Train Valley Voice Wave Window Wolf"
)
_VERBS = _split(
    "Breathe Call Carry Chase Dance Drift Fall Fly Follow Forget Hold Leave Love Remember Run Sing Stay Wait"
)
_TAILS = _split("Again Alone Away Down Forever Home Me Now Slowly Together Tonight You")


def artist_names(n: int, rng: np.random.Generator) -> list[str]:
    """Return n distinct names of artists."""
    names: dict[str, None] = {}
    while len(names) < n:
        picks = rng.integers(0, 1 << 30, size=(n, 8)).tolist()
        for row in picks:
            name = _artist(row)
            # A second artist of a name gets a surname; a third is drawn again.
            names.setdefault(name if name not in names else f"{name} {_word(row[6], row[7], row[0])}")
            if len(names) == n:
                break
    return list(names)


def track_names(n: int, rng: np.random.Generator) -> list[str]:
    """Return n names of tracks, not necessarily distinct."""
    return [_track(row) for row in rng.integers(0, 1 << 30, size=(n, 4)).tolist()]


def _artist(r: list[int]) -> str:
    match r[0] % 10:
        case 0 | 1 | 2:
            return f"{_of(_GIVEN, r[1])} {_word(r[2], r[3], r[4])}"
        case 3 | 4:
            return f"{_word(r[1], r[2], r[3])} {_of(_NOUNS, r[4])}"
        case 5:
            return f"The {_of(_ADJECTIVES, r[1])} {_of(_NOUNS, r[2])}s"
        case 6:
            return f"{_of(_ADJECTIVES, r[1])} {_word(r[2], r[3], r[4])}"
        case 7:
            return f"{_of(_GIVEN, r[1])} & the {_of(_NOUNS, r[2])}s"
        case 8:
            return f"DJ {_word(r[1], r[2], r[3])}"
        case _:
            return _word(r[1], r[2], r[3])


def _track(r: list[int]) -> str:
    match r[0] % 6:
        case 0 | 1:
            return f"{_of(_ADJECTIVES, r[1])} {_of(_NOUNS, r[2])}"
        case 2:
            return f"{_of(_VERBS, r[1])} {_of(_TAILS, r[2])}"
        case 3:
            return f"{_of(_NOUNS, r[1])} of {_word(r[2], r[3], r[1])}"
        case 4:
            return f"{_of(_VERBS, r[1])} the {_of(_NOUNS, r[2])}"
        case _:
            return _word(r[1], r[2], r[3])


def _word(a: int, b: int, c: int) -> str:
    """Return a word of two or three syllables, each from one of the numbers."""
    syllables = [_syllable(a), _syllable(b) + _of(_CODAS, b // 7919)]
    if c % 3 == 0:
        syllables.insert(1, _syllable(c // 3))
    return "".join(syllables).capitalize()


def _syllable(number: int) -> str:
    return _of(_ONSETS, number) + _of(_VOWELS, number // 131)


def _of(words: tuple[str, ...], number: int) -> str:
    return words[number % len(words)]
