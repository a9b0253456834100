"""A manifest comes back as it was stored; what cannot be right is refused."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.errors import ModelError
from dualssl.files import json_text
from dualssl.labels import Label, LabelTable
from dualssl.model.manifest import FORMAT_VERSION, Manifest, NetworkSpec, Normalisation, Postprocessing, Preprocessing

names = st.text(min_size=1, max_size=12)
sides = st.integers(1, 512)
positive = st.floats(0.01, 100)
normalisations = st.builds(
    Normalisation, st.sampled_from(["zscore", "window", "percentile"]), st.floats(-1024, 0), st.floats(1, 3000)
)
norms = st.sampled_from(["batch", "instance"])
provenances = st.dictionaries(names, st.none() | st.integers() | names | st.lists(st.floats(-1, 1)), max_size=4)


@st.composite
def manifests(draw):
    structures = draw(st.lists(names, min_size=1, max_size=5))
    kinds = draw(st.lists(normalisations, min_size=1, max_size=3))
    return Manifest(
        id=draw(names),
        name=draw(names),
        labels=LabelTable(tuple(Label.named(name, n) for n, name in enumerate(structures, start=1))),
        channel_names=tuple(f"channel {n}" for n in range(len(kinds))),
        networks=NetworkSpec(
            len(kinds), len(structures) + 1, draw(st.integers(1, 64)), draw(st.sampled_from(["batch", "instance"]))
        ),
        preprocessing=Preprocessing(draw(st.none() | st.tuples(positive, positive, positive)), tuple(kinds)),
        postprocessing=Postprocessing(tuple(draw(st.lists(st.integers(1, len(structures)), max_size=2)))),
        patch=draw(st.tuples(sides, sides, sides)),
        field_of_view=draw(st.none() | st.tuples(positive, positive, positive)),
        temperature=draw(positive),
        provenance=draw(provenances),
        parent=draw(st.none() | names),
    )


@given(manifests())
@settings(deadline=None, max_examples=30, derandomize=True)
def test_a_manifest_survives_the_way_through_json(manifest):
    assert Manifest.from_json(json.loads(json_text(manifest.to_json()))) == manifest


def test_a_newer_format_is_refused_with_what_to_do(atrium_manifest):
    data = {**atrium_manifest.to_json(), "format_version": FORMAT_VERSION + 1}
    with pytest.raises(ModelError, match=rf"format {FORMAT_VERSION + 1}.*update dualssl"):
        Manifest.from_json(data)


@pytest.mark.parametrize("field", ["id", "labels", "channel_names", "networks", "preprocessing", "postprocessing", "patch"])
def test_a_missing_field_is_named(atrium_manifest, field):
    data = {key: value for key, value in atrium_manifest.to_json().items() if key != field}
    with pytest.raises(ModelError, match=field):
        Manifest.from_json(data)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"networks": NetworkSpec(1, 3, 2)}, "3 classes for 2 labels"),
        ({"networks": NetworkSpec(2, 2, 2)}, "differ in number"),
        ({"networks": NetworkSpec(1, 2, -2)}, "positive whole numbers"),
        ({"networks": NetworkSpec(1, 2, "16")}, "positive whole numbers"),
        ({"networks": NetworkSpec(1, 2, 2, "group")}, "normalisation layers 'group'"),
        ({"channel_names": ("MRI", "CT")}, "differ in number"),
        ({"preprocessing": Preprocessing(None, (Normalisation("magic"),))}, "normalisation 'magic'"),
        ({"preprocessing": Preprocessing((0.0, 1.0, 1.0))}, "spacing"),
        ({"patch": (0, 16, 16)}, "positive whole numbers"),
        ({"field_of_view": (100.0, -1.0, 100.0)}, "field of view"),
        ({"temperature": 0.0}, "temperature"),
        ({"temperature": float("inf")}, "temperature"),
    ],
)
def test_fields_that_cannot_be_right_are_refused(atrium_manifest, change, words):
    with pytest.raises(ModelError, match=words):
        Manifest.from_json(replace(atrium_manifest, **change).to_json())


def test_an_older_manifest_knows_no_field_of_view(atrium_manifest):
    data = {key: value for key, value in atrium_manifest.to_json().items() if key != "field_of_view"}
    assert Manifest.from_json(data).field_of_view is None


@pytest.mark.parametrize("data", [None, [], "text", {}, {"format_version": 1, "labels": 3}])
def test_other_json_is_refused(data):
    with pytest.raises(ModelError):
        Manifest.from_json(data)


def test_label_values_with_a_gap_are_refused(atrium_manifest):
    data = atrium_manifest.to_json()
    data["labels"][0]["value"] = 2
    with pytest.raises(ModelError, match="label values"):
        Manifest.from_json(data)
