"""What commands show while they work."""

import io

import pytest
from rich.console import Console

from dualssl.cli import console
from dualssl.training.progress import TrainingProgress


@pytest.fixture
def screen(monkeypatch):
    """What has been shown on stderr so far."""
    shown = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=shown, width=120))
    return shown.getvalue


def test_each_stage_has_a_bar_that_is_full_when_the_next_begins(screen):
    with console.stage_bars() as show:
        show("Reading", None)
        show("Training", TrainingProgress(3, 10, loss=0.5))
        show("Training", TrainingProgress(4, 10, loss=0.25, note="[memory] is short"))
    lines = screen().splitlines()
    assert [line.split()[0] for line in lines if "/" in line] == ["Reading", "Training"]
    assert "1/1" in next(line for line in lines if "Reading" in line)
    assert "10/10" in next(line for line in lines if "Training" in line)
    assert "loss 0.250" in screen()
    assert "[memory] is short" in lines


def test_a_stage_that_failed_is_not_shown_as_done(screen):
    def fail():
        with console.stage_bars() as show:
            show("Training", TrainingProgress(3, 10))
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert "3/10" in screen()
