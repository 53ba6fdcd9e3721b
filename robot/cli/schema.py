"""`bistandsrobot schema case-file|draft|config`: the shapes of what goes in and comes out, as JSON Schema."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import orjson
import typer

from robot.cli.options import EXIT_NOT_ALLOWED
from robot.cli.output import fail, say

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Shape(StrEnum):
    """What a schema can be had of."""

    CASE_FILE = "case-file"
    DRAFT = "draft"
    CONFIG = "config"


def schema(
    shape: Annotated[
        Shape, typer.Argument(help="case-file: what `assess` reads. draft: what `assess --json` prints. config: config.yaml.")
    ],
    markdown: Annotated[bool, typer.Option("--markdown", help="With config: print docs/configuration.md, a table for people.")] = False,
) -> None:
    """Print the JSON Schema of a case file, a draft or the configuration.

    Amounts are decimal strings in kronor ("1850.00"), months are YYYY-MM.

    Exit 0: printed. 2: no such shape, or --markdown with another shape than config.

    Example: bistandsrobot schema case-file > case-file.schema.json

    Example: bistandsrobot schema config --markdown
    """
    if markdown:
        if shape is not Shape.CONFIG:
            fail("CLI-080 --markdown is for `schema config` alone", EXIT_NOT_ALLOWED)
        from robot.settings_page import configuration_page

        say(configuration_page())
        return
    say(orjson.dumps(schema_of(shape), option=orjson.OPT_INDENT_2).decode())


def schema_of(shape: Shape) -> dict[str, Any]:
    """Return a JSON Schema, with the dialect it is written in."""
    return {"$schema": _DIALECT, **_model_schema(shape)}


def _model_schema(shape: Shape) -> dict[str, Any]:
    if shape is Shape.CASE_FILE:
        from rules.facts import CaseFile

        return CaseFile.model_json_schema()
    if shape is Shape.DRAFT:
        from rules.assessment import Assessment

        return Assessment.model_json_schema()
    from robot.settings import Settings

    return Settings.model_json_schema()
