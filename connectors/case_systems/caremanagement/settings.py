"""Settings of the CareManagement connector, each with its unit and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from connectors.transport import TransportSettings

_NAMES_KEPT = 1024
Url = Annotated[str, Field(pattern=r"^https?://\S+$", max_length=500)]


class CareManagementSettings(BaseModel):
    """Where CareManagement and Party are, who we are there, and how much is read at a time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: Annotated[Url, Field(description="address of CareManagement, up to and not including /{municipality_id}")]
    party_url: Annotated[Url, Field(description="address of Party, up to and not including /{municipality_id}")]
    municipality_id: Annotated[str, Field(pattern=r"^\d{4}$", description="the municipality's code, four digits (SCB)")]
    namespace: Annotated[str, Field(pattern=r"^[\w\-]{1,64}$", description="CareManagement's namespace for ekonomiskt bistånd")]
    sent_by: Annotated[
        str, Field(pattern=r"^[\x21-\x7e]+(; ?type=[\w]+)?$", max_length=100, description="who makes our changes (header X-Sent-By)")
    ] = "bistandsrobot; type=custom"
    created_by: Annotated[str, Field(min_length=1, max_length=64, description="who made our recommendations and documents")] = (
        "bistandsrobot"
    )
    page_size: Annotated[int, Field(ge=2, le=1000, description="cases asked for at a time when listing")] = 100
    max_pages: Annotated[int, Field(ge=1, le=10_000, description="questions at most in one listing")] = 500
    document_type: Annotated[
        str, Field(min_length=1, max_length=255, description="document type of the draft; `check` lists those that the case system has")
    ] = "CALCULATION_BASIS"
    history_months: Annotated[
        int, Field(ge=1, le=24, description="months before the month applied for in which calculations and decisions are looked for")
    ] = 3
    history_lag_tries: Annotated[
        int, Field(ge=1, le=50, description="times the status history is read while it does not show the status that stands")
    ] = 6
    history_lag_wait_s: Annotated[float, Field(ge=0, le=5, description="seconds between those times")] = 0.2
    transport: Annotated[TransportSettings, Field(description="limits for both neighbours")] = TransportSettings()


@dataclass(frozen=True, slots=True)
class LifecareNames:
    """What the municipality's Lifecare calls incomes and costs: Swedish name -> canonical name, from the guidelines.

    Where two names mean the same income, the first is the one we write.
    """

    incomes: Mapping[str, str] = field(default_factory=dict)
    costs: Mapping[str, str] = field(default_factory=dict)

    def income(self, name: str) -> str | None:
        """Return the canonical name of an income, None when the guidelines do not know it."""
        return _find(self.incomes, name)

    def cost(self, name: str) -> str | None:
        """Return the canonical name of a cost, None when the guidelines do not know it."""
        return _find(self.costs, name)

    def swedish_income(self, canonical: str) -> str:
        """Return Lifecare's name of an income; a name that the guidelines do not map stands for itself."""
        return next((swedish for swedish, mapped in self.incomes.items() if mapped == canonical), canonical)


@lru_cache(_NAMES_KEPT)
def same_name(name: str) -> str:
    """Return the form in which Lifecare's names are compared: without regard to case and outer spaces, as CareManagement does."""
    return " ".join(name.split()).casefold()


def _find(names: Mapping[str, str], name: str) -> str | None:
    wanted = same_name(name)
    return next((canonical for swedish, canonical in names.items() if same_name(swedish) == wanted), None)
