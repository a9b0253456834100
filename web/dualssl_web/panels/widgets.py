"""Widgets that the panels share: sections, controls that say why they are disabled, and how far a job is.

What is passed as `offer` is the name of a variable of the page that holds an `Offer`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from trame.widgets import html
from trame.widgets import vuetify3 as v

_TOOL_TIP = {"activator": "parent", "max_width": 340, "open_delay": 300}


@contextmanager
def section(name: str, title: str, icon: str) -> Iterator[None]:
    """A part of the column that can be folded away."""
    with v.VExpansionPanel(value=name, eager=True, id=f"part-{name}", classes="part"):
        with v.VExpansionPanelTitle(id=f"fold-{name}", classes="part-title"):
            v.VIcon(icon, size="small", classes="mr-3", raw_attrs=['aria-hidden="true"'])
            html.Span(title)
        with v.VExpansionPanelText(classes="part-body"):
            yield


@contextmanager
def row(classes: str = "") -> Iterator[None]:
    """Controls side by side, of equal width."""
    with html.Div(classes=f"control-row {classes}"):
        yield


@contextmanager
def hinted(offer: str, classes: str = "") -> Iterator[None]:
    """Around a control: a tool tip with what it does, or why it cannot be used now."""
    with html.Div(classes=f"hinted {classes}"):
        yield
        v.VTooltip(text=(f"{offer}.hint",), location="end", **_TOOL_TIP)


def button(
    server: Any,
    name: str,
    text: str,
    offer: str,
    function: Callable[[], None],
    icon: str = "",
    look: str = "tonal",
    color: str = "",
    more: str = "",
    side: Literal["bottom", "end"] = "bottom",
) -> None:
    """A button that stays reachable by keyboard while it is disabled, so that everybody can learn why it is.

    Args:
        server: of trame.
        name: id in the page.
        text: on it; may hold `{{ }}`.
        offer: what it does, or why not now.
        function: called when it is pressed.
        icon: before the text, or empty.
        look: variant of the button.
        color: of the theme, or empty.
        more: further attributes.
        side: where the tool tip goes: `end` where nothing stands beside the button, so that it covers nothing.
    """
    press = f"{offer}.enabled && trigger('{server.trigger_name(function)}')"
    attributes = [f':aria-disabled="!{offer}.enabled"', f":class=\"{{ 'is-off': !{offer}.enabled }}\"", more]
    with v.VBtn(
        id=name,
        click=press,
        variant=look,
        color=color or None,
        classes="offer-button",
        raw_attrs=[attribute for attribute in attributes if attribute],
    ):
        if icon:
            v.VIcon(icon, start=True, raw_attrs=['aria-hidden="true"'])
        html.Span(text)
        v.VTooltip(text=(f"{offer}.hint",), location=side, open_on_focus=True, **_TOOL_TIP)


def select(name: str, label: str, model: str, items: str, disabled: str = "false", **more: Any) -> None:
    """A list to choose from.

    Args:
        name: id in the page.
        label: shown above the choice.
        model: variable that holds the choice.
        items: expression for a list of `title` and `value`.
        disabled: expression.
        more: further properties.
    """
    v.VSelect(
        id=name,
        label=label,
        v_model=(model,),
        items=(items,),
        disabled=(disabled,),
        density="compact",
        variant="outlined",
        hide_details=True,
        **more,
    )


def text_field(name: str, label: str, model: str, disabled: str = "false", **more: Any) -> None:
    """A line of text; arguments as `select`."""
    v.VTextField(
        id=name,
        label=label,
        v_model=(model,),
        disabled=(disabled,),
        density="compact",
        variant="outlined",
        hide_details=True,
        autocomplete="off",
        **more,
    )


def check_box(name: str, label: str, model: str, offer: str, change: str = "") -> None:
    """A box to tick; `model` may be an expression where `change` says what a change does."""
    values: dict[str, Any] = {"v_model": (model,)} if not change else {"model_value": (model,), "update_modelValue": change}
    with hinted(offer):
        v.VCheckbox(id=name, label=label, disabled=(f"!{offer}.enabled",), density="compact", hide_details=True, **values)


def plain_check_box(name: str, label: str, model: str, disabled: str) -> None:
    """A box to tick that needs no more explanation than its label; `disabled` is an expression."""
    v.VCheckbox(id=name, label=label, v_model=(model,), disabled=(disabled,), density="compact", hide_details=True)


def comparison(variable: str, name: str) -> None:
    """Old against new model as a table, where the variable holds a `Comparison`."""
    words = "{ better: 'better', worse: 'worse', same: 'same' }"
    icons = "{ better: 'mdi-thumb-up', worse: 'mdi-thumb-down', same: 'mdi-equal' }"
    colours = "{ better: 'success', worse: 'warning', same: undefined }"
    with v.VTable(density="compact", v_if=(f"!!{variable}",), classes="list-table", id=name):
        with html.Thead(), html.Tr():
            for title in ("Figure", "Present", "New", "Change"):
                html.Th(title, classes="" if title == "Figure" else "number", raw_attrs=['scope="col"'])
        with html.Tbody(), html.Tr(v_for=f"line in {variable}.rows", key="line.name"):
            html.Td("{{ line.name }}", classes="wrap")
            html.Td("{{ line.old }}", classes="number nowrap")
            html.Td("{{ line.new }}", classes="number nowrap")
            with html.Td(classes="number nowrap"):
                v.VIcon(
                    size="x-small",
                    classes="mr-1",
                    raw_attrs=[
                        f':icon="({icons})[line.outcome]"',
                        f':color="({colours})[line.outcome]"',
                        f':aria-label="({words})[line.outcome]"',
                    ],
                )
                html.Span("{{ line.change }}")


def slider(name: str, label: str, model: str, top: float, offer: str) -> None:
    """A number between 0 and `top`, with its value beside it."""
    with hinted(offer, "slider-row"):
        html.Label(label, classes="slider-label", raw_attrs=[f'for="{name}"'])
        v.VSlider(
            id=name,
            v_model=(model,),
            min=0,
            max=top,
            step=0.01,
            disabled=(f"!{offer}.enabled",),
            density="compact",
            hide_details=True,
            thumb_size=14,
            track_size=3,
            raw_attrs=[f'aria-label="{label}"'],
        )
        html.Span(f"{{{{ Number({model}).toFixed(2) }}}}", classes="slider-value")


def note(text: str, name: str = "", classes: str = "") -> None:
    """A sentence; `text` is an expression, and nothing is shown while it is empty."""
    html.Div(f"{{{{ {text} }}}}", v_if=(text,), id=name or None, classes=f"note {classes}")


def job(kind: str, place: str, name: str) -> None:
    """How far a job is, or what was said when it had ended.

    Args:
        kind: of the job.
        place: where things are said of it.
        name: the bar is called so with `-bar` at its end, the text with `-status`.
    """
    with html.Div(classes="job", raw_attrs=['role="status"', 'aria-live="polite"']):
        with html.Template(v_if=(f"jobs.{kind}",)):
            v.VProgressLinear(
                id=f"{name}-bar",
                indeterminate=(f"jobs.{kind}.fraction === null",),
                model_value=(f"100 * (jobs.{kind}.fraction ?? 0)",),
                height=6,
                rounded=True,
                color="primary",
                raw_attrs=[f'aria-label="{kind}"'],
            )
            with html.Div(classes="note", id=f"{name}-status"):
                html.Span(f"{{{{ jobs.{kind}.text }}}}")
                html.Span(f"{{{{ jobs.{kind}.left }}}}", v_if=(f"jobs.{kind}.left",), classes="time-left")
        html.Div(f"{{{{ said.{place} }}}}", v_if=(f"!jobs.{kind} && said.{place}",), classes="note", id=f"{name}-status")
