"""A model folder is a MONAI bundle: it passes MONAI's own checks, and its configuration builds what it describes."""

import json
from pathlib import Path

import monai.transforms
import pytest
import torch
from monai.bundle import ConfigParser, verify_metadata, verify_net_in_out
from monai.inferers import SlidingWindowInferer

from dualssl.errors import ModelError
from dualssl.model.folder import save_model
from dualssl.networks.ensemble import MeanOfPair
from dualssl.networks.pair import DualNetwork

SCHEMA = Path(__file__).with_name("bundle_schema.json")


@pytest.fixture(params=["atrium", "two channels"])
def bundle(request, tmp_path):
    """Model folders of two kinds: one channel and class; two channels of different normalisation, three structures."""
    if request.param == "atrium":
        return request.getfixturevalue("atrium_model")
    manifest = request.getfixturevalue("two_channel_ct_manifest")
    save_model(tmp_path / "model", manifest, DualNetwork(manifest.networks))
    return tmp_path / "model"


def parser_of(bundle):
    parser = ConfigParser()
    parser.read_config(bundle / "configs" / "inference.json")
    parser["bundle_root"] = str(bundle)
    return parser


def test_monai_accepts_the_metadata(bundle):
    verify_metadata(meta_file=str(bundle / "configs" / "metadata.json"), filepath=str(SCHEMA))


@pytest.mark.parametrize("field", ["version", "network_data_format", "required_packages_version"])
def test_the_schema_would_notice_a_missing_field(bundle, tmp_path, field):
    data = json.loads((bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
    del data[field]
    (tmp_path / "metadata.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match=field):
        verify_metadata(meta_file=str(tmp_path / "metadata.json"), filepath=str(SCHEMA))


def verify_network(bundle, **changes):
    verify_net_in_out(
        "network_def",
        meta_file=str(bundle / "configs" / "metadata.json"),
        config_file=str(bundle / "configs" / "inference.json"),
        device="cpu",
        bundle_root=str(bundle),
        **changes,
    )


def test_monai_finds_the_network_as_the_metadata_describe_it(bundle):
    verify_network(bundle)


def test_monai_would_notice_another_number_of_classes(bundle):
    with pytest.raises(ValueError, match="channel number"):
        verify_network(bundle, **{"_meta_#network_data_format#outputs#pred#num_channels": 9})


def test_the_networks_window_is_a_multiple_of_16(two_channel_ct_manifest, tmp_path):
    save_model(tmp_path / "model", two_channel_ct_manifest, DualNetwork(two_channel_ct_manifest.networks))
    data = json.loads((tmp_path / "model" / "configs" / "metadata.json").read_text())
    assert data["network_data_format"]["inputs"]["image"]["spatial_shape"] == [32, 32, 32]


def test_every_component_can_be_built(bundle):
    parser = parser_of(bundle)
    assert isinstance(parser.get_parsed_content("network_def"), MeanOfPair)
    assert isinstance(parser.get_parsed_content("inferer"), SlidingWindowInferer)
    assert isinstance(parser.get_parsed_content("preprocessing"), monai.transforms.Compose)
    assert isinstance(parser.get_parsed_content("postprocessing"), monai.transforms.Compose)


def test_inferer_and_labelling_make_a_label_map_of_an_image(bundle):
    parser = parser_of(bundle)
    channels = parser.get_parsed_content("network_def").pair.spec.in_channels
    image = torch.randn(1, channels, 20, 40, 33)
    with torch.no_grad():
        prediction = parser.get_parsed_content("inferer")(image, parser.get_parsed_content("network_def"))
    # The largest component, where asked for, needs a package of its own.
    as_labels = parser.get_parsed_content("postprocessing").transforms[0]
    label_map = as_labels({"pred": prediction[0]})["pred"]
    assert label_map.shape == (1, 20, 40, 33)


def test_the_largest_component_is_kept_where_the_manifest_asks_for_it(atrium_model):
    steps = parser_of(atrium_model).get_parsed_content("postprocessing").transforms
    assert [type(step).__name__ for step in steps] == ["AsDiscreted", "KeepLargestConnectedComponentd"]
    metadata = json.loads((atrium_model / "configs" / "metadata.json").read_text(encoding="utf-8"))
    assert {"nibabel", "scikit-image"} < metadata["required_packages_version"].keys()


def test_normalisation_steps_do_what_the_manifest_says(bundle, two_channel_ct_manifest):
    steps = parser_of(bundle).get_parsed_content("preprocessing").transforms
    # Loading needs a file, and orientation a package of its own.
    steps = [
        step for step in steps if type(step).__name__ not in ("LoadImaged", "EnsureChannelFirstd", "Orientationd", "Spacingd")
    ]
    channels = json.loads((bundle / "configs" / "dualssl.json").read_text(encoding="utf-8"))["networks"]["in_channels"]
    image = torch.linspace(-500, 500, channels * 1000).reshape(channels, 10, 10, 10)
    result = monai.transforms.Compose(steps)({"image": image})["image"]
    assert result.shape == image.shape
    if channels == 1:
        assert float(result.mean()) == pytest.approx(0, abs=1e-5)
        assert float(result.std(unbiased=False)) == pytest.approx(1, abs=1e-5)
    else:
        assert torch.allclose(result[0], ((image[0] + 160) / 400).clamp(0, 1), atol=1e-5)
        low, high = torch.quantile(image[1], 0.01), torch.quantile(image[1], 0.99)
        assert torch.allclose(result[1], ((image[1] - low) / (high - low)).clamp(0, 1), atol=1e-4)


def test_the_mean_of_the_pair_is_the_mean_of_its_tempered_probabilities(atrium_model, atrium_networks, image):
    with torch.no_grad():
        (a, _), (b, _) = atrium_networks.eval()(image)
        mean = MeanOfPair.from_folder(atrium_model)(image)
    assert torch.allclose(mean, (torch.softmax(a / 1.5, 1) + torch.softmax(b / 1.5, 1)) / 2, atol=1e-6)
    assert torch.allclose(mean.sum(dim=1), torch.ones(()), atol=1e-6)


def test_an_altered_folder_gives_no_network(atrium_model):
    (atrium_model / "LICENSE").write_text("none")
    with pytest.raises(ModelError, match="LICENSE"):
        MeanOfPair.from_folder(atrium_model)
