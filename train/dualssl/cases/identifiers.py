"""What a DICOM header says about whose image it is. Read only when a person asks that it be kept."""

from __future__ import annotations

from pathlib import Path

from dualssl.volumes.dicom import is_dicom

TAGS = {
    "PatientID": "0010|0020",
    "PatientName": "0010|0010",
    "StudyInstanceUID": "0020|000d",
    "SeriesInstanceUID": "0020|000e",
}
"""Keyword to tag, as part 6 of the standard has them."""


def dicom_identifiers(path: Path, series_uid: str | None = None) -> dict[str, str]:
    """The identifiers of a folder of DICOM slices, by keyword; those that are empty are left out.

    Args:
        path: folder; for any other file nothing is known.
        series_uid: which series, where there are several.
    """
    import SimpleITK as sitk  # noqa: N813

    if not path.is_dir():
        return {}
    files = (Path(name) for name in sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(path), series_uid or ""))
    first = next((file for file in files if is_dicom(file)), None)
    if first is None:
        return {}
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(first))
    reader.ReadImageInformation()
    found = {keyword: reader.GetMetaData(tag) for keyword, tag in TAGS.items() if reader.HasMetaDataKey(tag)}
    return {keyword: _decoded(text) for keyword, text in found.items() if _decoded(text)}


def _decoded(text: str) -> str:
    """A text whose bytes were no UTF-8, as older files have names, read as Latin-1 (DICOM's ISO_IR 100)."""
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8").strip(" \0")
    except UnicodeDecodeError:
        return raw.decode("latin-1").strip(" \0")
