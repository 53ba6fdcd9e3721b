"""Who asks SSBTEK, why, by what law, and for what. The register logs it by law: it must be the municipality's own."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from connectors.transport import TransportSettings

FkGroup = Annotated[str, Field(pattern=r"^FK:[A-Z]{2,5}$")]
PmGroup = Annotated[str, Field(pattern=r"^PM:[A-Z]{2,5}$")]
Said = Annotated[str, Field(min_length=1, max_length=200)]

ALL_FK_GROUPS = tuple(
    f"FK:{code}"
    for code in [
        "ABB",
        "AP",
        "AS",
        "BOB",
        "BST",
        "BTI",
        "DPE",
        "EJO",
        "ET",
        "FP",
        "FSJP",
        "GP",
        "HE",
        "MABB",
        "MEK",
        "NP",
        "OMV",
        "PJOB",
        "PROG",
        "RBE",
        "SA",
        "SBP",
        "SJP",
        "TFP",
        "US",
        "VB",
        "YL",
    ]
)
ALL_PM_GROUPS = ("PM:AP", "PM:BTI", "PM:EF")
TAX_DEDUCTIONS = ("PM:PS", "PM:PST", "PM:SS", "PM:SST")


class SsbtekSettings(BaseModel):
    """One municipality's access to SSBTEK v10."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, Field(description="address of the service")]
    transport: Annotated[TransportSettings, Field(description="time limits, pool, client certificate")] = TransportSettings()
    organisation_number: Annotated[str, Field(pattern=r"^\d{4}[2-9]\d{7}$", description="twelve digits, 16 and the organisation number")]
    organisation_name: Annotated[Said, Field(description="who asks")]
    handler: Annotated[Said, Field(description="user identity that the register logs as the one who asks")]
    purpose: Annotated[Said, Field(description="syfte, logged by the register")]
    law: Annotated[Said, Field(description="lagtext: the provision that lifts secrecy, logged by the register")]
    actor_id: Annotated[Said, Field(description="aktorsid: the municipality's id at Försäkringskassan")]
    municipality: Annotated[
        str | None,
        Field(pattern=r"^\d{4}$", description="municipality code; a person registered in another one is flagged; none = not compared"),
    ] = None
    fk_groups: Annotated[
        tuple[FkGroup, ...],
        Field(min_length=1, description="groups asked of Försäkringskassan; one that we may not ask could not be checked"),
    ] = ALL_FK_GROUPS
    pm_groups: Annotated[tuple[PmGroup, ...], Field(min_length=1, description="groups asked of Pensionsmyndigheten")] = ALL_PM_GROUPS
    so_answered_statuses: Annotated[
        tuple[Said, ...], Field(min_length=1, description="what an a-kassa says in StatusSvarandeOrganisation when it has answered")
    ] = ("OK",)
    tax_deduction_types: Annotated[
        tuple[Said, ...],
        Field(description="kinds of avdrag at Pensionsmyndigheten that are tax; every other one is a deduction beyond tax"),
    ] = TAX_DEDUCTIONS
