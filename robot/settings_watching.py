"""The settings of what looks at the daemon from outside: page, health, metrics and alarms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, le=30 * 86_400)]


class Section(BaseModel):
    """Base of the sections: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Health(Section):
    """The robot's own page, health and metrics over HTTP. No login: so on loopback, or behind what the municipality has for that."""

    listen: Annotated[bool, Field(description="Whether they are served at all.")] = False
    host: Annotated[str, Field(min_length=1, description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[
        int, Field(ge=1, le=65_000, description="Port of the first worker; each further worker has the next one. The page is at /.")
    ] = 8095
    look_every_s: Annotated[Seconds, Field(description="How often the queue's figures are read.")] = 15


class Mail(Section):
    """How alarms are mailed."""

    host: Annotated[str, Field(min_length=1, description="Mail server.")]
    port: Annotated[int, Field(ge=1, le=65_535, description="Its port: 587 for starttls, 465 for tls, 25 for none.")] = 587
    security: Annotated[
        Literal["starttls", "tls", "none"], Field(description="none = only for a server on this machine; a certificate is always checked.")
    ] = "starttls"
    sender: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", description="Address that alarms come from.")]
    to: Annotated[tuple[str, ...], Field(min_length=1, max_length=20, description="Addresses that get them.")]
    user: Annotated[str | None, Field(description="Name to log in with.")] = None
    password_file: Annotated[Path | None, Field(description="Its password, relative to config.yaml, readable by the robot alone.")] = None


class Alarms(Section):
    """Who is told when something has been ill for a while. Messages hold no personal data."""

    webhook_url: Annotated[str | None, Field(description="Address that gets a POST with JSON for each alarm.")] = None
    mail: Annotated[Mail | None, Field(description="Mail server and addresses.")] = None
    after_s: Annotated[float, Field(ge=0, le=86_400, description="An illness that has lasted for so long is told of.")] = 300
    most_per_hour: Annotated[int, Field(ge=1, le=1000, description="Never more messages than this in an hour.")] = 12
    timeout_s: Annotated[float, Field(gt=0, le=60, description="Longest wait for the webhook's or the mail server's answer.")] = 10
    ca_file: Annotated[Path | None, Field(description="Own authority for their certificates, relative to config.yaml.")] = None

    def with_files(self, at: Callable[[Path], Path]) -> Self:
        """Return the same, its paths as `at` gives them."""
        files = {"ca_file": at(self.ca_file) if self.ca_file else None}
        password = self.mail.password_file if self.mail else None
        mail = self.mail.model_copy(update={"password_file": at(password)}) if self.mail and password else self.mail
        return self.model_copy(update=files | {"mail": mail})
