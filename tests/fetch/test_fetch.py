"""Downloads of public data sets over HTTP: interrupted, changed, damaged, refused."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ParamsError
from pipeline.fetch.catalogue import Dataset, Member, load_catalogue
from pipeline.fetch.download import FetchError, download
from pipeline.fetch.fetch import choose, fetch
from pipeline.fetch.unpack import unpack
from pipeline.logs.formats import format_names
from tests.fetch.server import Manners, serving

ROOT = Path(__file__).resolve().parents[2]
CONTENT = bytes(range(256)) * 4096
SHA = hashlib.sha256(CONTENT).hexdigest()
LOG = b"user_1\t2009-05-04T23:08:57Z\t\tDeep Dish\t\tFuck Me Im Famous\n"


def get(url: str, target: Path, *, sha256: str | None = SHA) -> str:
    return download(url, target, sha256=sha256, progress=lambda *_: None, wait=lambda _: None)


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def test_a_file_comes_whole_and_only_under_its_name(tmp_path: Path) -> None:
    calls: list[tuple[int, int | None]] = []
    with serving(Manners(CONTENT)) as url:
        download(url, tmp_path / "x", sha256=SHA, progress=lambda there, total: calls.append((there, total)))
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert calls[-1] == (len(CONTENT), len(CONTENT))


def test_an_interrupted_download_goes_on_where_it_stopped(tmp_path: Path) -> None:
    manners = Manners(CONTENT, stops_after=[300_000, 400_000])
    with serving(manners) as url:
        get(url, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
    starts = [int(asked.removeprefix("bytes=").removesuffix("-")) for asked in manners.asked[1:] if asked]
    assert manners.asked[0] is None
    assert len(starts) == 2
    assert 0 < starts[0] < starts[1] < len(CONTENT)


@pytest.mark.parametrize("changes", [{"etag": '"2"'}, {"ranges": False}, {"etag": None}, {"etag": 'W/"1"'}])
def test_another_file_or_a_server_without_ranges_starts_from_the_beginning(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    manners = Manners(b"x" * len(CONTENT), stops_after=[300_000])
    with serving(manners) as url:
        manners.statuses = [200, 503, 503, 503, 503]
        with pytest.raises(FetchError):
            get(url, tmp_path / "x")
        manners.content = CONTENT
        for name, value in changes.items():
            setattr(manners, name, value)
        get(url, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT


def test_a_server_that_is_busy_is_asked_again_and_one_without_the_file_is_not(tmp_path: Path) -> None:
    manners = Manners(CONTENT, statuses=[503, 429])
    with serving(manners) as url:
        get(url, tmp_path / "x")
        assert len(manners.asked) == 3
        manners.statuses = [404]
        with pytest.raises(FetchError, match="status 404; expected the file"):
            get(url, tmp_path / "y")
        assert len(manners.asked) == 4


def test_a_server_that_is_away_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"gave up after 5 tries: .*; expected a server that answers"):
        get("http://127.0.0.1:9/x", tmp_path / "x")


def test_a_wrong_checksum_leaves_nothing_under_the_name(tmp_path: Path) -> None:
    with serving(Manners(CONTENT[:-1] + b"?")) as url:
        with pytest.raises(FetchError, match=f"expected {SHA[:12]}"):
            get(url, tmp_path / "x")
        assert [path.name for path in tmp_path.iterdir()] == ["x.bad"]


def test_a_later_download_is_checked_against_the_first(tmp_path: Path) -> None:
    manners = Manners(CONTENT)
    with serving(manners) as url:
        assert get(url, tmp_path / "x", sha256=None) == SHA
        (tmp_path / "x").unlink()
        manners.content = b"other"
        with pytest.raises(FetchError, match="has SHA-256"):
            get(url, tmp_path / "x", sha256=None)


def test_a_second_time_nothing_is_asked_for(tmp_path: Path) -> None:
    manners = Manners(CONTENT)
    with serving(manners) as url:
        get(url, tmp_path / "x")
        get(url, tmp_path / "x")
    assert len(manners.asked) == 1


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_redirect_to_another_scheme_is_refused(tmp_path: Path, to: str) -> None:
    with serving(Manners(CONTENT, redirect=to)) as url, pytest.raises(Exception, match=r"redirect|scheme|protocol"):
        get(url, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_only_named_members_land_and_none_outside_the_landing_folder(tmp_path: Path) -> None:
    made = archive(**{"d/userid-profile.tsv": b"m\t22", "../../userid-timestamp-x.tsv": LOG, "/abs/other": b"x"})
    (tmp_path / "a.tar.gz").write_bytes(made)
    (path,) = unpack(tmp_path / "a.tar.gz", [Member(pattern="*/userid-timestamp-*.tsv")], tmp_path / "out")
    assert path == tmp_path / "out" / "userid-timestamp-x.tsv"
    assert path.read_bytes() == LOG
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.tar.gz", "out", "userid-timestamp-x.tsv"]


@pytest.mark.parametrize(
    ("made", "member", "match"),
    [
        (archive(**{"a/x.tsv": b"1", "b/x.tsv": b"2"}), Member(pattern="*.tsv"), "two members named x.tsv"),
        (archive(**{"a/x.tsv": b"1"}), Member(pattern="*.csv"), r"holds no \*.csv"),
        (archive(**{"a/x.tsv": b"1"}), Member(pattern="*.tsv", md5="0" * 32), "x.tsv has MD5"),
        (archive(**{"a/x.tsv": os.urandom(9999)})[:-2000], Member(pattern="*.tsv"), "cannot be unpacked"),
        (b"no archive", Member(pattern="*"), "cannot be unpacked"),
    ],
    ids=["two members", "no member", "another digest", "cut off", "no archive"],
)
def test_an_archive_that_is_not_as_it_should_be_is_refused(
    tmp_path: Path, made: bytes, member: Member, match: str
) -> None:
    (tmp_path / "a.tar.gz").write_bytes(made)
    with pytest.raises(FetchError, match=match):
        unpack(tmp_path / "a.tar.gz", [member], tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.csv"))


def test_a_link_is_no_member(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        link = tarfile.TarInfo("x.tsv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(FetchError, match="holds no"):
        unpack(tmp_path / "a.tar", [Member(pattern="*.tsv")], tmp_path / "out")


def test_a_log_may_land_as_it_is(tmp_path: Path) -> None:
    with serving(Manners(CONTENT)) as url:
        dataset = Dataset(title="t", licence="l", url=url, sha256=SHA, format="netgain")
        files, digest = fetch(dataset, downloads=tmp_path / "d", out=tmp_path / "out", progress=lambda *_: None)
    assert ([path.read_bytes() for path in files], digest) == ([CONTENT], SHA)


def test_the_catalogue_names_formats_that_there_are() -> None:
    catalogue = load_catalogue(ROOT / "infra" / "datasets.yaml")
    assert {"lastfm-1k", "listenbrainz"} <= set(catalogue)
    assert {dataset.format for dataset in catalogue.values()} <= set(format_names())


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a: {title: t}", "licence: Field required"),
        ("- a", "holds no data sets"),
        ("a: {url: 'ftp://x/y'}", "url:|title"),
    ],
)
def test_a_faulty_catalogue_is_refused(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(ParamsError, match=match):
        load_catalogue(tmp_path / "x.yaml")


def test_a_data_set_needs_a_name_and_an_address() -> None:
    catalogue = ROOT / "infra" / "datasets.yaml"
    with pytest.raises(ParamsError, match="no data set 'x'; expected one of lastfm-1k, listenbrainz"):
        choose(catalogue, "x", url=None, sha256=None)
    with pytest.raises(ParamsError, match="listenbrainz has no address; expected --url"):
        choose(catalogue, "listenbrainz", url=None, sha256=None)
    with pytest.raises(ParamsError, match="--url = 'ftp://x/y'"):
        choose(catalogue, "listenbrainz", url="ftp://x/y", sha256=None)


def test_the_command_is_interrupted_and_goes_on(tmp_path: Path) -> None:
    """Ctrl-C half-way ends in one line and keeps the part; the same command then lands the log without the profiles."""
    profile, noise = b"user_1\tm\t22\tJapan\n", os.urandom(3_000_000)
    made = archive(
        **{"l/userid-timestamp-artid-artname-traid-traname.tsv": LOG, "l/userid-profile.tsv": profile, "l/noise": noise}
    )
    manners = Manners(made)
    catalogue = tmp_path / "datasets.yaml"
    with serving(manners) as url:
        catalogue.write_text(
            f"mine: {{title: Mine, licence: CC0, url: '{url}', sha256: null, format: lastfm-1k, as_of: 2009-05-01,\n"
            "  members: [{pattern: '*/userid-timestamp-*.tsv'}]}\n"
        )
        command = [str(Path(sys.executable).parent / "netgain"), "fetch", "mine"]
        environment = os.environ | {"NETGAIN_DATASETS": str(catalogue)}
        manners.stops_after = [1_000_000]
        manners.statuses = [200, *[503] * 3]
        first = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
        part = tmp_path / ".netgain" / "downloads" / "archive.tar.gz.part"
        until = time.monotonic() + 20
        while len(manners.asked) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        first.send_signal(signal.SIGINT)
        assert first.wait(timeout=20) == 130
        assert first.stderr is not None
        assert "interrupted; run it again" in first.stderr.read()
        assert 0 < part.stat().st_size < len(made)
        manners.statuses = []
        again = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "Licence: CC0" in again.stdout
    assert "Next: make nightly LOGS=landing-mine FORMAT=lastfm-1k AS_OF=2009-05-01" in again.stdout
    assert manners.asked[-1] is not None
    (landed,) = (tmp_path / "landing-mine").iterdir()
    assert landed.read_bytes() == LOG
