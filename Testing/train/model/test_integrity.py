"""What was altered, cut, lost or slipped into a model folder is found and named; looking needs no torch."""

import json
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from dualssl.errors import ModelError
from dualssl.model.folder import load_model, read_manifest, verify_model
from dualssl.model.integrity import write_checksums

FILES = (
    "LICENSE",
    "checksums.json",
    "configs/dualssl.json",
    "configs/inference.json",
    "configs/metadata.json",
    "docs/README.md",
    "models/network_a.safetensors",
    "models/network_b.safetensors",
)
WEIGHTS = "models/network_a.safetensors"


def refusal(folder):
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    return str(caught.value)


def test_an_intact_folder_is_described(atrium_model, atrium_manifest):
    info = verify_model(atrium_model)
    assert info.folder == atrium_model
    assert info.manifest == atrium_manifest
    assert sorted(info.files) == sorted(FILES)
    assert info.size == sum((atrium_model / name).stat().st_size for name in FILES)


@pytest.mark.parametrize("place", [0.0, 0.37, 0.999])
@pytest.mark.parametrize("name", FILES)
def test_one_altered_byte_is_found_in_every_file(atrium_model, name, place):
    path = atrium_model / name
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)
    assert str(path) in refusal(atrium_model)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(atrium_model, name):
    (atrium_model / name).unlink()
    message = refusal(atrium_model)
    assert name in message
    assert "missing" in message or "lacks" in message


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_named(atrium_model, name):
    path = atrium_model / name
    path.write_bytes(path.read_bytes()[:-10])
    assert str(path) in refusal(atrium_model)


def test_truncated_weights_are_called_truncated(atrium_model):
    path = atrium_model / WEIGHTS
    path.write_bytes(path.read_bytes()[:1000])
    assert f"{path} is truncated to 1000 of" in refusal(atrium_model)


@pytest.mark.parametrize(
    "name", ["models/model.pt", "models/last.CKPT", "x.pth", "a.pkl", "docs/pytorch_model.bin", "a.pkl.gz", "w.npy"]
)
def test_anything_like_a_pickle_is_refused_even_if_listed(atrium_model, name):
    (atrium_model / name).write_bytes(b"\x80\x04N.")
    assert f"{atrium_model / name} is of a kind that can run code" in refusal(atrium_model)
    write_checksums(atrium_model)
    assert f"{atrium_model / name} is of a kind that can run code" in refusal(atrium_model)


def test_a_file_that_does_not_belong_is_named(atrium_model):
    (atrium_model / "configs" / "train.json").write_text("{}")
    assert f"{atrium_model / 'configs' / 'train.json'} does not belong" in refusal(atrium_model)


def test_what_file_managers_leave_does_no_harm(atrium_model):
    for name in (".DS_Store", "models/Thumbs.db", "docs/._README.md"):
        (atrium_model / name).write_bytes(b"litter")
    assert sorted(verify_model(atrium_model).files) == sorted(FILES)


def test_a_list_of_checksums_cannot_leave_out_the_weights(atrium_model):
    weights = (atrium_model / WEIGHTS).read_bytes()
    (atrium_model / WEIGHTS).unlink()
    write_checksums(atrium_model)
    (atrium_model / WEIGHTS).write_bytes(weights)
    assert f"does not list {WEIGHTS}" in refusal(atrium_model)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "models/../LICENSE", "models\\x", ""])
def test_a_list_of_checksums_cannot_point_outside(atrium_model, name):
    from dualssl.model import integrity

    (atrium_model.parent / "outside").write_bytes(b"")
    files = integrity.read_checksums(atrium_model)
    files[name] = integrity.Fingerprint(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    (atrium_model / "checksums.json").write_text(integrity._render(files))
    assert "checksums.json has been altered" in refusal(atrium_model)


@pytest.mark.parametrize("content", ["[]", "{}", '{"files": 3}', '{"files": {"a": []}}', "nonsense", "[" * 100_000, "NaN"])
def test_garbled_checksums_are_refused(atrium_model, content):
    (atrium_model / "checksums.json").write_text(content)
    assert "checksums.json" in refusal(atrium_model)


def test_a_newer_format_is_refused_as_such_and_not_as_damage(atrium_model):
    path = atrium_model / "configs" / "dualssl.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 2}))
    (atrium_model / "models" / "network_c.safetensors").write_bytes(b"")
    assert "update dualssl" in refusal(atrium_model)


def test_a_folder_that_is_none_or_no_model_is_named(tmp_path):
    with pytest.raises(ModelError, match="There is no model folder"):
        read_manifest(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"lacks configs/dualssl\.json"):
        read_manifest(tmp_path)


def rewrite_weights(folder, change):
    """Change the tensors of network A as somebody would who also renews the checksums."""
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(dict(tensors), folder / WEIGHTS)
    write_checksums(folder)


def test_a_weight_of_another_shape_is_named_with_both_shapes(atrium_model):
    rewrite_weights(atrium_model, lambda tensors: tensors.update({"head.bias": torch.zeros(3)}))
    assert f"{atrium_model / WEIGHTS} has weight head.bias of shape (3,) instead of (2,)" in refusal(atrium_model)


def test_a_missing_weight_is_named(atrium_model):
    rewrite_weights(atrium_model, lambda tensors: tensors.pop("head.bias"))
    assert "lacks weight head.bias" in refusal(atrium_model)


def test_a_missing_batch_counter_is_named(atrium_model):
    rewrite_weights(atrium_model, lambda tensors: tensors.pop("stage.0.1.num_batches_tracked"))
    assert "lacks weight stage.0.1.num_batches_tracked" in refusal(atrium_model)


def test_a_weight_too_many_is_named(atrium_model):
    rewrite_weights(atrium_model, lambda tensors: tensors.update({"backdoor": torch.zeros(1)}))
    assert "has a weight backdoor" in refusal(atrium_model)


def test_whole_numbers_for_weights_are_refused(atrium_model):
    rewrite_weights(atrium_model, lambda tensors: tensors.update({"head.bias": torch.zeros(2, dtype=torch.int32)}))
    assert "head.bias as torch.int32 instead of torch.float32" in refusal(atrium_model)


def test_weights_that_are_no_safetensors_are_refused(atrium_model):
    (atrium_model / WEIGHTS).write_bytes(b"\x80\x04N." * 20)
    write_checksums(atrium_model)
    assert "no intact safetensors file" in refusal(atrium_model)


def test_an_absurd_width_costs_no_memory(atrium_model):
    path = atrium_model / "configs" / "dualssl.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["networks"]["width"] = 100_000
    path.write_text(json.dumps(data))
    write_checksums(atrium_model)
    assert "so it belongs to another network" in refusal(atrium_model)


def test_looking_at_a_model_does_not_import_torch(atrium_model):
    program = (
        "import sys, pathlib\n"
        "from dualssl.model.folder import read_manifest, verify_model, describe_model\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "assert read_manifest(folder) == verify_model(folder).manifest\n"
        "assert describe_model(folder)\n"
        "heavy = {'torch', 'monai', 'SimpleITK', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    result = subprocess.run([sys.executable, "-c", program, str(atrium_model)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
