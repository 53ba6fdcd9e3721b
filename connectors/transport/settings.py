"""Limits of the shared transport, each with its unit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_MIB = 1024 * 1024


class TransportSettings(BaseModel):
    """How one neighbour is talked to. TLS certificates are always verified; there is no switch for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pool_size: Annotated[int, Field(ge=1, le=512, description="connections, and requests at the same time")] = 8
    keepalive_s: Annotated[
        float, Field(ge=0, le=300, description="seconds an idle connection is kept; below the neighbour's own, or writes meet closed ones")
    ] = 4
    connect_timeout_s: Annotated[float, Field(gt=0, le=60, description="seconds to reach the neighbour")] = 5
    total_timeout_s: Annotated[float, Field(gt=0, le=600, description="seconds for one question, its repeats and waits included")] = 30
    body_limit_bytes: Annotated[int, Field(ge=1024, le=256 * _MIB, description="bytes of an answer's body at most")] = 16 * _MIB
    attempts: Annotated[int, Field(ge=1, le=10, description="times that a read is tried at most; a write is tried once")] = 3
    backoff_first_s: Annotated[float, Field(ge=0, le=60, description="seconds to wait at most before the second try, doubled for each")] = (
        0.5
    )
    backoff_max_s: Annotated[float, Field(ge=0, le=300, description="seconds to wait at most before any try")] = 8
    retry_after_max_s: Annotated[float, Field(ge=0, le=3600, description="seconds believed at most when the neighbour asks us to wait")] = (
        300
    )
    breaker_failures: Annotated[int, Field(ge=1, le=1000, description="failures in a row before the neighbour is left alone")] = 5
    breaker_open_s: Annotated[
        float, Field(gt=0, le=3600, description="seconds the neighbour is left alone before one question probes it")
    ] = 30
    ca_file: Annotated[Path | None, Field(description="PEM file of trusted authorities; none = the system's own")] = None
    crl_file: Annotated[
        Path | None,
        Field(
            description="PEM file of the authorities' revocation lists, read anew when changed; a certificate on it is refused; none = off"
        ),
    ] = None
    client_certificate_file: Annotated[Path | None, Field(description="PEM file of our certificate for mutual TLS; none = off")] = None
    client_key_file: Annotated[Path | None, Field(description="PEM file of its key; none = it stands in the certificate file")] = None

    @model_validator(mode="after")
    def _key_needs_certificate(self) -> Self:
        if self.client_key_file is not None and self.client_certificate_file is None:
            raise ValueError("client_key_file is given without client_certificate_file")
        return self
