"""Files sent to a server: what is taken, what is refused, and what stays behind (nothing)."""

import gzip
import io
import json
import os
import struct
import threading
import zipfile
import zlib

import aiohttp
import numpy as np
import pytest

from dualssl_web.uploads import clean_name
from webServer import runApart

LIMIT = 3_000_000


@pytest.fixture
def post(ticket_of):
    """Sends files as a page does: {name: content}; returns (status, error)."""

    def send(server, files, **headers):
        # As browsers do, which write names as they are.
        form = aiohttp.FormData(quote_fields=False)
        for name, content in files.items():
            form.add_field("file", content, filename=name, content_type="application/octet-stream")
        return send_body(server, form(), **headers)

    def send_body(server, body, **headers):
        given = {"Cookie": ticket_of(server), "Origin": server.site, **headers}

        async def go():
            async with (
                aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.post(f"{server.site}/upload", data=body, headers=given) as response,
            ):
                return response.status, json.loads(await response.text())["error"]

        return runApart(go())

    send.body = send_body
    return send


@pytest.fixture
def leftovers():
    """What lies in the folders of a server's uploads."""
    return lambda server: [path for path in server.home.glob("sessions/session-*/uploads/**/*") if path.is_file()]


@pytest.fixture
def opened(notes_of):
    """What a server has noted of the last upload."""

    def last(server):
        notes = notes_of(server)
        return {**notes[-2], **notes[-1]}

    return last


def zipped(members, compression=zipfile.ZIP_DEFLATED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


@pytest.mark.parametrize("name", ["image.nrrd", "image.nii", "image.nii.gz", "image.mha", "IMAGE.NRRD"])
def test_a_volume_file_is_opened_under_its_name_and_then_gone(a_server, post, opened, leftovers, a_volume_file, a_volume, name):
    content = a_volume_file(name.lower()).read_bytes()
    assert post(a_server, {name: content}) == (200, "")
    noted = opened(a_server)
    assert (noted["name"], noted["files"], noted["bytes"]) == (name, [name], len(content))
    assert noted["shape"] == list(a_volume.array.shape)
    assert noted["mean"] == pytest.approx(a_volume.array.mean())
    assert leftovers(a_server) == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../../../etc/cron.d/evil.nrrd", "evil.nrrd"),
        ("C:\\Users\\me\\scan.nrrd", "scan.nrrd"),
        (".nrrd", "nrrd"),
        ("Größe 1 (a)+b.nrrd", "Größe 1 (a)+b.nrrd"),
        ("a\r\nb<i>:|.nrrd", "a__b_i___.nrrd"),
        ("", "file"),
        ("..", "file"),
        ("x" * 500 + ".nii.gz", "x" * 93 + ".nii.gz"),
    ],
)
def test_a_name_says_nothing_of_folders(name, kept):
    assert clean_name(name) == kept


def test_a_name_with_folders_stays_in_the_uploads_own(a_server, post, opened, a_volume_file):
    assert post(a_server, {"../../../escaped.nrrd": a_volume_file().read_bytes()}) == (200, "")
    noted = opened(a_server)
    assert noted["name"] == "escaped.nrrd"
    assert noted["path"].startswith(str(a_server.home / "sessions"))
    assert list(a_server.home.rglob("escaped*")) == []


def test_slices_become_one_volume_whatever_their_names(a_server, post, opened, dicom_slices, a_volume):
    files = {f"{number}/../x{path.name}": path.read_bytes() for number, path in enumerate(dicom_slices)}
    assert post(a_server, {**files, "DICOMDIR": b"no slice", "notes.txt": b"nor this"}) == (200, "")
    noted = opened(a_server)
    assert noted["files"] == [f"{number:05d}.dcm" for number in range(5)]
    assert noted["mean"] == pytest.approx(a_volume.array.mean())


def test_an_archive_of_slices_is_unpacked_under_names_of_the_servers(a_server, post, opened, dicom_slices, a_volume):
    members = {f"../../{number}/{path.name}": path.read_bytes() for number, path in enumerate(dicom_slices)}
    archive = zipped({"folder/": b"", **members, "/etc/evil.sh": b"#!/bin/sh", "read me.txt": b"x" * 500})
    assert post(a_server, {"CT head.zip": archive}) == (200, "")
    noted = opened(a_server)
    assert (noted["name"], noted["files"]) == ("CT head", [f"{number:05d}.dcm" for number in range(5)])
    assert noted["mean"] == pytest.approx(a_volume.array.mean())


def test_a_series_with_a_gap_is_refused_with_the_readers_sentence(a_server, post, dicom_slices):
    status, error = post(a_server, {path.name: path.read_bytes() for path in dicom_slices if path != dicom_slices[1]})
    assert status == 422
    assert error.startswith("The DICOM slices in DICOM are not evenly spaced")


NOT_A_VOLUME = {
    "notes.txt": b"hello",
    "program.exe": b"MZ" + bytes(500),
    "empty.nrrd": b"",
    "fake.nrrd": b"hello, this is no NRRD at all\n\n",
    "fake.nii": bytes(600),
    "fake.nii.gz": b"\x1f\x8b" + bytes(600),
    "text.nii.gz": gzip.compress(b"hello" * 200),
    "pair.nii": struct.pack("<i", 348) + bytes(340) + b"ni1\0" + bytes(100),
    "fake.mha": b"\0" * 100 + b"ElementDataFile = LOCAL\n",
    "header.mha": b"ObjectType = Image\nNDims = 3\n",
    "fake.zip": b"hello",
    "empty.zip": zipped({}),
    "text.zip": zipped({"a.txt": b"hello" * 100}),
    "page.html": b"<script>alert(1)</script>",
    "picture.nrrd.png": b"\x89PNG" + bytes(100),
    "detached.nhdr": b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 1 1 1\nencoding: raw\ndata file: /etc/passwd\n\n",
    "detached.nrrd": b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ndata file: /etc/passwd\n\n",
    "spaced.nrrd": b"NRRD0004\r\ntype: uchar\r\n  Data  FILE : ../../secret.raw\r\n\r\n",
    "list.nrrd": b"NRRD0004\ntype: uchar\ndatafile: LIST\na.raw\nb.raw\n",
    "detached.mha": b"ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementDataFile = /etc/passwd\n",
    "detached.mhd": b"ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nelementdatafile=x.raw\n",
    "pattern.mha": b"ObjectType = Image\nNDims = 3\nElementDataFile = slice%03d.raw 1 9 1\nElementDataFile = LOCAL\n",
}


@pytest.mark.parametrize("name", NOT_A_VOLUME)
def test_what_is_no_volume_on_its_own_is_refused_by_its_content(a_server, post, notes_of, leftovers, name):
    before = notes_of(a_server)
    status, error = post(a_server, {name: NOT_A_VOLUME[name]})
    assert status == 422
    assert error.startswith(name)
    assert error.endswith(".")
    assert str(a_server.home) not in error
    assert notes_of(a_server) == before
    assert leftovers(a_server) == []


def test_a_truncated_volume_is_refused_by_name(a_server, post, a_volume_file, leftovers):
    content = a_volume_file("scan.nii.gz").read_bytes()
    status, error = post(a_server, {"scan.nii.gz": content[:-40]})
    assert status == 422
    assert error.startswith("scan.nii.gz is truncated")
    assert leftovers(a_server) == []


def test_a_header_that_promises_a_huge_volume_takes_no_memory(a_server, post):
    header = struct.pack("<i", 348) + bytes(36) + struct.pack("<8h", 3, 30000, 30000, 30000, 1, 1, 1, 1)
    header += bytes(14) + struct.pack("<hh", 4, 16) + bytes(2) + struct.pack("<8f", 1, 1, 1, 1, 1, 1, 1, 1)
    header += struct.pack("<f", 352) + bytes(344 - 112) + b"n+1\0" + bytes(4 + 1000)
    status, error = post(a_server, {"huge.nii": header})
    assert status == 422
    assert error.startswith("huge.nii")
    nrrd = b"NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 60000 60000 60000\n"
    nrrd += b"space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\nencoding: gzip\nendian: little\n\n"
    status, error = post(a_server, {"huge.nrrd": nrrd + gzip.compress(bytes(1000))})
    assert status == 422
    assert "GB" in error


def test_what_is_too_large_is_refused_before_it_is_sent(a_server, post, leftovers):
    status, error = post(a_server, {"large.nrrd": b"NRRD0004\n" + bytes(LIMIT + 100_000)})
    assert status == 413
    assert "3 MB" in error
    assert leftovers(a_server) == []


@pytest.mark.parametrize("parts", [1, 4])
def test_what_is_too_large_is_refused_while_it_arrives(a_server, post, leftovers, parts):
    """No length is told beforehand: the body comes in chunks."""

    async def body():
        for part in range(parts):
            yield b'--frontier\r\nContent-Disposition: form-data; name="file"; filename="%d.dcm"\r\n\r\n' % part
            for _ in range(8 // parts):
                yield bytes(1_000_000)
            yield b"\r\n"
        yield b"--frontier--\r\n"

    try:
        status, error = post.body(a_server, body(), **{"Content-Type": "multipart/form-data; boundary=frontier"})
    except aiohttp.ClientConnectionError:
        # The server has hung up before all was sent.
        status, error = 413, "3 MB"
    assert status == 413
    assert "3 MB" in error
    assert leftovers(a_server) == []


def test_a_body_that_was_packed_counts_unpacked(a_server, post, leftovers):
    part = b'--frontier\r\nContent-Disposition: form-data; name="file"; filename="a.nrrd"\r\n\r\n'
    body = zlib.compress(part + bytes(50_000_000) + b"\r\n--frontier--\r\n")
    headers = {"Content-Type": "multipart/form-data; boundary=frontier", "Content-Encoding": "deflate"}
    try:
        status, _ = post.body(a_server, body, **headers)
    except aiohttp.ClientConnectionError:
        status = 413
    assert status in (400, 413)
    assert leftovers(a_server) == []


def a_slice(size):
    return bytes(128) + b"DICM" + bytes(size)


@pytest.mark.parametrize(
    "bomb",
    [
        zipped({"bomb.dcm": a_slice(40_000_000)}),
        zipped({f"{number}.dcm": a_slice(500_000) for number in range(10)}),
        zipped({"nested.zip": zipped({"bomb.dcm": a_slice(10_000_000)})}),
        zipped({f"{number}": b"" for number in range(20_001)}),
        zipped({"packed.dcm": a_slice(1000)}, zipfile.ZIP_BZIP2),
        zipped({"packed.dcm": a_slice(1000)}, zipfile.ZIP_LZMA),
    ],
    ids=["one large member", "many members", "an archive inside", "very many members", "bzip2", "lzma"],
)
def test_a_bomb_is_not_unpacked(a_server, post, leftovers, bomb):
    assert len(bomb) < LIMIT
    status, error = post(a_server, {"bomb.zip": bomb})
    assert status == 422
    assert error.startswith("bomb.zip")
    assert leftovers(a_server) == []


def test_an_archive_that_lies_about_sizes_is_not_believed(a_server, post, leftovers):
    content = bytearray(zipped({"bomb.dcm": a_slice(20_000_000)}))
    for place in (content.find(b"PK\x03\x04") + 22, content.find(b"PK\x01\x02") + 24):
        content[place : place + 4] = struct.pack("<I", 500)
    status, error = post(a_server, {"bomb.zip": bytes(content)})
    assert status == 422
    assert error.startswith("bomb.zip")
    assert leftovers(a_server) == []


def test_an_archive_with_a_long_directory_is_not_read(a_server, post):
    content = bytearray(zipped({"a.dcm": a_slice(100)}))
    place = content.rfind(b"PK\x05\x06")
    content[place + 12 : place + 16] = struct.pack("<I", 1 << 30)
    assert post(a_server, {"long.zip": bytes(content)})[1].startswith("long.zip holds too many files")
    large = content[:place] + b"PK\x06\x07" + bytes(16) + content[place:]
    assert post(a_server, {"large.zip": bytes(large)})[1].startswith("large.zip holds too many files")


def test_a_protected_or_damaged_archive_is_refused_with_a_sentence(a_server, post):
    content = bytearray(zipped({"a.dcm": a_slice(5000)}))
    damaged = bytes(content[:60]) + b"\xff" * 10 + bytes(content[70:])
    assert "pack it again" in post(a_server, {"damaged.zip": damaged})[1]
    for place in (content.find(b"PK\x03\x04") + 6, content.find(b"PK\x01\x02") + 8):
        content[place] |= 1
    assert "protected by a password" in post(a_server, {"secret.zip": bytes(content)})[1]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data; boundary=x"),
        (b"--x--\r\n", "multipart/form-data; boundary=x"),
        (b"--x\r\n\r\nfield\r\n--x--\r\n", "multipart/form-data; boundary=x"),
        (b"no boundary", "multipart/form-data; boundary=x"),
        (b"--x\r\n", "multipart/form-data"),
        (b"x", "application/octet-stream"),
        (b"{}", "application/json"),
    ],
)
def test_what_is_no_form_with_a_file_is_refused(a_server, post, leftovers, body, kind):
    status, error = post.body(a_server, body, **{"Content-Type": kind})
    assert status in (400, 415)
    assert error.endswith(".")
    assert leftovers(a_server) == []


def test_only_whoever_has_the_cookie_may_send(a_server, post, notes_of):
    before = notes_of(a_server)
    with pytest.raises(json.JSONDecodeError):
        post(a_server, {"a.nrrd": b"NRRD0004\n\n"}, Cookie="")
    assert notes_of(a_server) == before


def test_a_second_upload_waits_its_turn(a_server, post, a_volume_file, notes_of):
    content = a_volume_file().read_bytes()
    wait = a_server.home / "wait"
    wait.touch()
    answers = []
    first = threading.Thread(target=lambda: answers.append(post(a_server, {"first.nrrd": content})))
    first.start()
    try:
        a_server.until(lambda: any(note.get("name") == "first.nrrd" for note in notes_of(a_server)))
        status, error = post(a_server, {"second.nrrd": content})
        assert (status, error) == (409, "Another upload goes on: wait until it has ended.")
    finally:
        wait.unlink()
        first.join()
    assert answers == [(200, "")]


def test_an_upload_that_breaks_off_leaves_nothing(a_server, post, leftovers, a_volume_file):
    async def body():
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.nrrd"\r\n\r\n' + bytes(500_000)
        a_server.until(lambda: leftovers(a_server))
        raise OSError("the cable is out")

    with pytest.raises((OSError, aiohttp.ClientError)):
        post.body(a_server, body(), **{"Content-Type": "multipart/form-data; boundary=x"})
    a_server.until(lambda: leftovers(a_server) == [])
    content = a_volume_file().read_bytes()
    a_server.until(lambda: post(a_server, {"next.nrrd": content}) == (200, ""))


@pytest.mark.skipif(os.name == "nt", reason="permissions of this kind exist on Unix only")
def test_uploads_are_for_their_owner_alone(a_server):
    for folder in (a_server.home / "sessions", *a_server.home.glob("sessions/session-*")):
        assert folder.stat().st_mode & 0o077 == 0


def test_a_slice_alone_is_refused_as_such(a_server, post):
    status, error = post(a_server, {"slice.dcm": a_slice(100)})
    assert status == 422
    assert error


def test_voxels_arrive_as_they_were(a_server, post, opened, tmp_path):
    from dualssl.geometry import Geometry
    from dualssl.volumes.volume import Volume
    from dualssl.volumes.write import write_volume

    voxels = np.random.default_rng(3).normal(0, 1, (20, 40, 60)).astype(np.float32)
    write_volume(Volume(voxels, Geometry(voxels.shape)), tmp_path / "noise.nrrd")
    assert post(a_server, {"noise.nrrd": (tmp_path / "noise.nrrd").read_bytes()}) == (200, "")
    assert opened(a_server)["mean"] == pytest.approx(float(voxels.mean()), abs=1e-6)
