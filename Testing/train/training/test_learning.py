"""Training learns: after a few dozen steps on one labelled sphere, the networks find another one."""

import json

import pytest


@pytest.mark.parametrize(("preset", "iterations"), [("supervised", 36), ("strong", 48)])
def test_a_few_dozen_steps_teach_what_a_sphere_is(run_of, tmp_path, preset, iterations):
    cases = {"labelled": ("sphere_0",), "unlabelled": ("sphere_2",), "validation": ("sphere_1",)}
    run_of(preset, **cases, batch=2, iterations=iterations, validate_every=iterations // 4).execute()
    records = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    scores = [record["dice"] for record in records if record["kind"] == "validation"]
    losses = [record["supervised.a"] for record in records if record["kind"] == "train"]
    # Everything called foreground would have a Dice of about 0.15 here.
    assert max(scores[-2:]) > 0.6
    # Under copy-paste the loss is of other voxels early and late (labelled patches alone, then mixed ones): not comparable.
    if preset == "supervised":
        assert sum(losses[-5:]) < 0.75 * sum(losses[:5])
