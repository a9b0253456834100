"""The few files of the application's share folder that its logics ask for at start, in the smallest form they accept.

The wheel of `slicer-core` brings none of them. The names are those the logics look for. The content is a small extract: a
terminology entry of the heart can be looked up, and a new label map finds its default colours.
"""

from __future__ import annotations

import colorsys
import json
from pathlib import Path
from typing import Any

GENERAL_ANATOMY = "Segmentation category and type - 3D Slicer General Anatomy list"
_GENERIC_COLORS = 64


def writeSharedFiles(share: Path) -> None:
    """Write terminologies and the default colour table below the folder `share`."""
    colors = share / "ColorFiles"
    colors.mkdir(parents=True, exist_ok=True)
    (colors / "GenericColors.txt").write_text(_genericColors(), encoding="utf-8")
    for name, content in _terminologies().items():
        (share / f"{name}.term.json").write_text(json.dumps(content), encoding="utf-8")


def _genericColors() -> str:
    lines = ["# Color table file GenericColors.txt", "0 background 0 0 0 0"]
    for index in range(1, _GENERIC_COLORS):
        # Golden-ratio steps in hue keep neighbours apart.
        red, green, blue = (round(255 * c) for c in colorsys.hsv_to_rgb(index * 0.618 % 1.0, 0.6, 0.9))
        lines.append(f"{index} Segment_{index} {red} {green} {blue} 255")
    return "\n".join(lines) + "\n"


def _code(scheme: str, value: str, meaning: str) -> dict[str, Any]:
    return {"CodingSchemeDesignator": scheme, "CodeValue": value, "CodeMeaning": meaning}


def _segmentationContext(name: str) -> dict[str, Any]:
    def ofType(value: str, meaning: str, color: list[int]) -> dict[str, Any]:
        return {**_code("SCT", value, meaning), "recommendedDisplayRGBValue": color}

    structures = [
        ofType("80891009", "Heart", [206, 110, 84]),
        ofType("82471001", "Left atrium", [190, 80, 60]),
        ofType("87878005", "Left ventricle", [152, 55, 13]),
        ofType("53085002", "Right ventricle", [181, 85, 57]),
        ofType("74281007", "Myocardium", [200, 120, 90]),
    ]
    tissue = [ofType("85756007", "Tissue", [128, 174, 128])]
    return {
        "SegmentationCategoryTypeContextName": name,
        "@schema": "https://raw.githubusercontent.com/qiicr/dcmqi/master/doc/schemas/segment-context-schema.json#",
        "SegmentationCodes": {
            "Category": [
                {**_code("SCT", "85756007", "Tissue"), "showAnatomy": True, "Type": tissue},
                {**_code("SCT", "123037004", "Anatomical Structure"), "showAnatomy": False, "Type": structures},
            ]
        },
    }


def _terminologies() -> dict[str, dict[str, Any]]:
    return {
        "SegmentationCategoryTypeModifier-SlicerGeneralAnatomy": _segmentationContext(GENERAL_ANATOMY),
        "SegmentationCategoryTypeModifier-DICOM-Master": _segmentationContext(
            "Segmentation category and type - DICOM master list"
        ),
        "AnatomicRegionAndModifier-DICOM-Master": {
            "AnatomicContextName": "Anatomic codes - DICOM master list",
            "@schema": "https://raw.githubusercontent.com/qiicr/dcmqi/master/doc/schemas/anatomic-context-schema.json#",
            "AnatomicCodes": {"AnatomicRegion": [_code("SCT", "80891009", "Heart")]},
        },
    }
