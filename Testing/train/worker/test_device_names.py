"""Devices on a computer with several GPUs, which is told to the worker in place of the one it runs on."""

from types import SimpleNamespace

import pytest
import torch

from dualssl.errors import PredictionError, TrainingError
from dualssl.prediction.predictor import PredictionSettings
from dualssl.training.devices import make_fabric
from dualssl.worker import device_names
from dualssl.worker.device_names import chosen_device, device_parameter, known_devices, name_in_use
from dualssl.worker.jobs import finetune as finetune_job
from dualssl.worker.networks import Networks
from dualssl.worker.requests import Params, RequestError


class Gpus:
    """What torch says of GPUs that are not there, and which of them it was told to use."""

    def __init__(self, monkeypatch, names):
        self.in_use = 0
        self._names = names
        facts = {
            "is_available": lambda: bool(names),
            "device_count": lambda: len(names),
            "current_device": lambda: self.in_use,
            "set_device": self.use,
            "get_device_name": lambda device=None: names[self.in_use],
            "get_device_properties": lambda index: SimpleNamespace(name=names[index], total_memory=(index + 1) * 24e9),
            "is_bf16_supported": lambda including_emulation=True: True,
            "empty_cache": lambda: None,
        }
        for name, fact in facts.items():
            monkeypatch.setattr(torch.cuda, name, fact)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)

    def use(self, device):
        self.in_use = device if isinstance(device, int) else torch.device(device).index


@pytest.fixture
def gpus(monkeypatch):
    """Makes the computer have GPUs of these names."""
    return lambda *names: Gpus(monkeypatch, names)


def test_each_gpu_is_listed_by_its_own_name_before_the_cpu(gpus):
    gpus("A6000", "A100")
    listed = known_devices()
    assert listed[:-1] == [
        {"id": "cuda:0", "name": "A6000", "memory_gb": 24.0},
        {"id": "cuda:1", "name": "A100", "memory_gb": 48.0},
    ]
    assert listed[-1]["id"] == "cpu"
    assert listed[-1]["name"].startswith("CPU, ")


def test_without_a_gpu_the_cpu_alone_is_listed(gpus):
    gpus()
    assert [device["id"] for device in known_devices()] == ["cpu"]


def test_every_device_that_is_listed_can_be_chosen(gpus):
    there = gpus("A6000", "A100")
    for number, device in enumerate(known_devices()[:-1]):
        assert device_parameter(Params({"device": device["id"]})) == device["id"]
        assert chosen_device(device["id"], PredictionError) == "cuda"
        assert (there.in_use, name_in_use("cuda")) == (number, device["id"])


@pytest.mark.parametrize("name", ["auto", "cuda", "cuda:0"])
def test_what_names_no_number_is_the_first_whatever_was_in_use_before(gpus, name):
    there = gpus("A6000", "A100")
    chosen_device("cuda:1", PredictionError)
    chosen_device(name, PredictionError)
    assert there.in_use == 0


@pytest.mark.parametrize(
    ("names", "says"), [(("A6000",), "one GPU, cuda:0"), (("A", "B"), "2 GPUs, cuda:0 to cuda:1"), ((), "cuda")]
)
def test_a_gpu_that_is_not_there_is_refused_with_those_that_are(gpus, names, says):
    gpus(*names)
    with pytest.raises(TrainingError, match=says):
        chosen_device("cuda:2", TrainingError)


@pytest.mark.parametrize("name", ["cuda:", "cuda:x", "cuda:-1", "gpu", "CPU", "cuda:1 "])
def test_what_is_no_device_is_a_fault_of_the_client(name):
    with pytest.raises(RequestError, match="is no device"):
        device_parameter(Params({"device": name}))


def test_each_gpu_has_its_own_networks_in_memory(gpus, model, monkeypatch):
    """Where they lie is torch's business; here they stay where they are, and which GPU was in use is noted."""
    there, used = gpus("A6000", "A100"), []
    monkeypatch.setattr(torch.nn.Module, "to", lambda self, *_, **__: self)
    networks = Networks()
    for device in ("cuda:1", "cuda:0", "cuda:1", "auto"):
        loaded = networks.load(model, PredictionSettings(), device)
        used.append((there.in_use, loaded.warm))
    assert used == [(1, False), (0, False), (1, True), (0, True)]


def test_fine_tuning_trains_on_the_gpu_that_was_chosen(gpus, monkeypatch, tmp_path):
    there = gpus("A6000", "A100")
    asked = {}
    monkeypatch.setattr(
        "dualssl.training.devices.Fabric", lambda **options: asked.update(options) or SimpleNamespace(launch=int)
    )
    monkeypatch.setattr(torch, "set_float32_matmul_precision", lambda precision: None)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    options = finetune_job._options(Params({"output": str(tmp_path), "device": "cuda:1"}))
    assert there.in_use == 1
    make_fabric(options.device)
    assert (asked["accelerator"], asked["devices"]) == ("cuda", [1])
    monkeypatch.setenv("WORLD_SIZE", "2")
    make_fabric(options.device)
    assert asked["devices"] == 2


def test_the_name_of_the_processor_is_read_where_linux_tells_it(tmp_path):
    info = tmp_path / "cpuinfo"
    info.write_text("processor : 0\nmodel name\t: A Fast One\nmodel name\t: A Fast One\n", encoding="utf-8")
    assert device_names._processor(info) == "A Fast One"
    assert device_names._processor(tmp_path / "nothing")
