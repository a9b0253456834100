"""A model folder gives back the networks that were saved, and no crash costs the one that was there."""

import errno
import os
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
import torch

from dualssl.errors import ModelError, OutputError
from dualssl.model.folder import describe_model, load_model, new_model_id, read_manifest, save_model, verify_model
from dualssl.networks.pair import DualNetwork

WEIGHTS = ("models/network_a.safetensors", "models/network_b.safetensors")


def logits(networks, image):
    with torch.no_grad():
        (a, _), (b, _) = networks.eval()(image)
    return a, b


def with_altered_weight(networks):
    with torch.no_grad():
        networks.a.head.bias += 1.0
    return networks


def test_loaded_networks_compute_what_the_saved_ones_did(atrium_model, atrium_networks, atrium_manifest, image):
    networks, manifest = load_model(atrium_model)
    assert manifest == atrium_manifest
    assert not networks.training
    for loaded, saved in zip(logits(networks, image), logits(atrium_networks, image), strict=True):
        assert torch.equal(loaded, saved)


def test_every_weight_and_buffer_comes_back(atrium_model, atrium_networks):
    loaded = load_model(atrium_model)[0].state_dict()
    saved = atrium_networks.state_dict()
    assert loaded.keys() == saved.keys()
    assert "a.stage.0.1.num_batches_tracked" in saved
    assert all(torch.equal(loaded[name], saved[name]) and loaded[name].dtype == saved[name].dtype for name in saved)


def test_loaded_networks_can_be_trained_further(atrium_model, image):
    networks = load_model(atrium_model)[0].train()
    networks.a(image)[0].sum().backward()
    assert all(p.requires_grad and p.device.type == "cpu" for p in networks.parameters())
    assert networks.a.head.weight.grad is not None


def test_loading_does_not_touch_the_random_state(atrium_model):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    load_model(atrium_model)
    assert torch.equal(torch.rand(1), expected)


def test_a_model_in_use_survives_its_folder(atrium_model, atrium_networks, image):
    networks, _ = load_model(atrium_model)
    for name in WEIGHTS:
        (atrium_model / name).write_bytes(b"")
    assert torch.equal(logits(networks, image)[0], logits(atrium_networks, image)[0])


def test_float16_halves_the_weights_and_keeps_the_outputs(tmp_path, atrium_model, atrium_manifest, atrium_networks, image):
    save_model(tmp_path / "half", atrium_manifest, atrium_networks, dtype="float16")
    networks, _ = load_model(tmp_path / "half")
    assert all(p.dtype == torch.float32 for p in networks.parameters())
    for loaded, saved in zip(logits(networks, image), logits(atrium_networks, image), strict=True):
        assert not torch.equal(loaded, saved)
        assert torch.allclose(loaded, saved, atol=0.02)
    parameters = sum(p.numel() for p in networks.parameters())
    saved_bytes = sum((atrium_model / name).stat().st_size - (tmp_path / "half" / name).stat().st_size for name in WEIGHTS)
    assert saved_bytes == pytest.approx(2 * parameters, rel=0.005)


def test_instance_normalised_networks_of_several_channels_and_classes_come_back(tmp_path, two_channel_ct_manifest):
    networks = DualNetwork(two_channel_ct_manifest.networks)
    save_model(tmp_path / "model", two_channel_ct_manifest, networks)
    image = torch.randn(1, 2, 32, 32, 16)
    loaded, _ = load_model(tmp_path / "model")
    assert torch.equal(logits(loaded, image)[1], logits(networks, image)[1])


def test_a_weight_too_large_for_float16_is_named(tmp_path, atrium_manifest, atrium_networks):
    with torch.no_grad():
        atrium_networks.b.head.bias[0] = 1e6
    with pytest.raises(ModelError, match=r"head\.bias exceeds the range of float16"):
        save_model(tmp_path / "model", atrium_manifest, atrium_networks, dtype="float16")
    assert list(tmp_path.iterdir()) == []


def test_diverged_weights_are_not_saved(tmp_path, atrium_manifest, atrium_networks):
    with torch.no_grad():
        atrium_networks.a.head.bias[0] = float("nan")
    with pytest.raises(ModelError, match=r"head\.bias has NaN"):
        save_model(tmp_path / "model", atrium_manifest, atrium_networks)
    assert list(tmp_path.iterdir()) == []


def test_a_manifest_of_other_networks_is_refused(tmp_path, atrium_manifest, two_channel_ct_manifest):
    with pytest.raises(ModelError, match="The manifest describes"):
        save_model(tmp_path / "model", atrium_manifest, DualNetwork(two_channel_ct_manifest.networks))


def test_provenance_that_json_cannot_hold_is_refused(tmp_path, atrium_manifest, atrium_networks):
    manifest = replace(atrium_manifest, provenance={"dice": float("nan")})
    with pytest.raises(ModelError, match="JSON"):
        save_model(tmp_path / "model", manifest, atrium_networks)


def test_a_model_is_replaced_only_when_asked(atrium_model, atrium_manifest, atrium_networks):
    with pytest.raises(OutputError, match="exists already"):
        save_model(atrium_model, atrium_manifest, atrium_networks)
    save_model(atrium_model, replace(atrium_manifest, id="second"), atrium_networks, replace=True)
    assert verify_model(atrium_model).manifest.id == "second"
    assert [p.name for p in atrium_model.parent.iterdir()] == [atrium_model.name]


def test_a_folder_that_is_no_model_is_never_replaced(tmp_path, atrium_manifest, atrium_networks):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("irreplaceable")
    with pytest.raises(OutputError, match="no model folder, so it is not replaced"):
        save_model(tmp_path / "thesis", atrium_manifest, atrium_networks, replace=True)
    assert (tmp_path / "thesis" / "chapter.txt").exists()


def test_a_link_to_a_model_folder_stays_a_link(tmp_path, atrium_model, atrium_manifest, atrium_networks):
    (tmp_path / "link").symlink_to(atrium_model, target_is_directory=True)
    save_model(tmp_path / "link", replace(atrium_manifest, id="second"), atrium_networks, replace=True)
    assert (tmp_path / "link").is_symlink()
    assert read_manifest(atrium_model).id == "second"


def failing_write_bytes(_path, _content):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def failing_call(*_args):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture(params=["writing weights", "flushing to the disk", "renaming", "flushing the fourth file"])
def full_disk(request, monkeypatch, atrium_model):
    """The disk is full at one step of saving."""
    fsync, calls = os.fsync, []

    def failing_from_the_fourth(handle):
        calls.append(handle)
        if len(calls) == 4:
            failing_call()
        fsync(handle)

    monkeypatch.setattr("dualssl.files._exchange", lambda one, other: False)
    if request.param == "writing weights":
        monkeypatch.setattr(Path, "write_bytes", failing_write_bytes)
    elif request.param == "flushing to the disk":
        monkeypatch.setattr(os, "fsync", failing_call)
    elif request.param == "flushing the fourth file":
        monkeypatch.setattr(os, "fsync", failing_from_the_fourth)
    else:
        monkeypatch.setattr(Path, "replace", failing_call)


def test_a_full_disk_leaves_the_old_model_intact_and_nothing_else(
    atrium_model, atrium_manifest, atrium_networks, full_disk, image
):
    before = logits(atrium_networks, image)[0]
    with pytest.raises(OutputError, match="the disk is full"):
        save_model(atrium_model, atrium_manifest, with_altered_weight(atrium_networks), replace=True)
    assert [p.name for p in atrium_model.parent.iterdir()] == [atrium_model.name]
    assert torch.equal(logits(load_model(atrium_model)[0], image)[0], before)


def test_a_real_limit_on_file_size_while_weights_are_written_leaves_nothing(
    tmp_path, atrium_manifest, atrium_networks, limited_files
):
    with limited_files(100_000), pytest.raises(OutputError, match="too large"):
        save_model(tmp_path / "model", atrium_manifest, atrium_networks)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Left atrium", "left-atrium"),
        ("  Vorhöfe_(MR) ", "vorhofe-mr"),
        ("модель", "model"),
        ("x" * 60, "x" * 40),
    ],
)
def test_an_id_is_made_of_name_date_and_weights(atrium_networks, name, slug):
    when = datetime(2026, 1, 31, tzinfo=timezone.utc)
    first = new_model_id(name, when, atrium_networks)
    assert first.startswith(f"{slug}-20260131-")
    assert len(first) == len(slug) + 18
    assert first == new_model_id(name, when, atrium_networks)
    assert first != new_model_id(name, when, with_altered_weight(atrium_networks))


def test_the_description_says_what_the_model_is(atrium_model):
    rows = describe_model(atrium_model)
    assert rows["Structures"] == "left atrium"
    assert rows["Labelled cases"] == "2"
    assert rows["Unlabelled cases"] == "72"
    assert rows["Spacing"] == "0.625 x 0.625 x 1.25 mm (i x j x k)"
    assert rows["Patch"] == "16 x 16 x 32 voxels (i x j x k)"
    assert rows["Validation"] == "dice 0.9124"
    assert rows["Fine-tuned from"] == "left-atrium-20251231-00000000"


def test_the_description_says_how_far_the_models_images_reached(tmp_path, atrium_manifest, atrium_networks):
    save_model(tmp_path / "model", replace(atrium_manifest, field_of_view=(55.0, 99.4, 145.0)), atrium_networks)
    assert describe_model(tmp_path / "model")["Field of view"].startswith("at most 145 x 99.4 x 55 mm (left-right")


def test_the_model_card_tells_structures_data_figures_limits_and_licence(atrium_model):
    card = (atrium_model / "docs" / "README.md").read_text(encoding="utf-8")
    for words in ("| 1 | left atrium | SCT 82471001 (Left atrium) | #e69f00 |", "Ärzte's atria", "strong", "6000"):
        assert words in card
    for words in ("Cases that were not trained on: 1.", "dice: 0.9124", "Not a medical device", "CC-BY-4.0"):
        assert words in card
    assert "CC-BY-4.0" in (atrium_model / "LICENSE").read_text()


def test_a_model_of_unknown_origin_says_so(tmp_path, atrium_manifest, atrium_networks):
    save_model(tmp_path / "model", replace(atrium_manifest, provenance={}), atrium_networks)
    card = (tmp_path / "model" / "docs" / "README.md").read_text()
    assert "how good the model is, is not known" in card
    assert "No licence was stated" in card
