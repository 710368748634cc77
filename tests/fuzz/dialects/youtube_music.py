"""YouTube Music's history from Google Takeout."""

from pipeline.logs.reasons import Reason
from tests.fuzz.dialect import Dialect, bad_times, drop, iso, put
from tests.fuzz.json_dialect import array

YOUTUBE_MUSIC = Dialect(
    format="youtube-music",
    file=lambda listener, n: f"{listener}/watch-history ({n}).json",
    record=lambda p: {
        "header": "YouTube Music",
        "title": f"Watched {p.track}",
        "titleUrl": "https://music.youtube.com/watch?v=dQw4w9WgXcQ",
        "subtitles": [{"name": f"{p.artist} - Topic", "url": "https://www.youtube.com/channel/UC1"}],
        "time": iso(p.played_at),
        "products": ["YouTube"],
    },
    encode=array,
    dirt=(
        *bad_times("time", iso),
        (Reason.NOT_OBJECT, lambda record: [record]),
        (Reason.NOT_MUSIC, put("header", value="YouTube")),
        (Reason.NOT_MUSIC, put("details", value=[{"name": "From Google Ads"}])),
        (Reason.NAMES_NOTHING, lambda record: drop("subtitles")(put("title", value=record["titleUrl"])(record))),
        (Reason.NAMES_NOTHING, lambda record: drop("subtitles")(drop("titleUrl")(record))),
        (Reason.UNSTORABLE, put("title", value="\ud800")),
        (Reason.MISSING_ARTIST, drop("subtitles")),
        (Reason.MISSING_TRACK, put("title", value=None)),
    ),
    by_folder=True,
    tells_duration=False,
)

DIALECTS = {"youtube-music": YOUTUBE_MUSIC}
