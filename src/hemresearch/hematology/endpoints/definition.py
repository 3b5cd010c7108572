"""What a definition of an endpoint consists of, and the words that several of them share."""

from __future__ import annotations

from dataclasses import dataclass

CENSORED = "censored"
DEATH = "death"

# How far a definition was checked before it was written down here.
SEVERAL_SOURCES = "several sources agree"
READ = "read in the source"
CITATION = "the citation was checked, the wording is the usual one"
USAGE = "usual, without one authoritative source"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The definition of one endpoint, in the roles of its dates.

    Attributes
    ----------
    name
        In words.
    time_zero
        The role of the date at which time starts.
    events
        For each role that is an event, its label. The first event counts; of several on one day, the one
        that stands first here. Roles with one label are one event.
    competing
        The roles among `events` that compete with the others. With none the endpoint is a composite, and
        whichever comes first is the event.
    censoring
        The role of the date that ends the time of a patient without an event.
    optional
        The roles that a study may leave out by saying so.
    final
        The roles after which nothing can happen.
    derived
        The roles whose dates were found in a table with several rows per patient.
    not_started
        Who has no time zero, in words, where that is no mistake: their columns are null.
    time_zero_is, event_is, competing_is, censoring_is
        The same for a reader.
    source
        Where the definition stands; None where the name is the definition.
    evidence
        How far the definition was checked.
    """

    name: str
    time_zero: str
    events: dict[str, str]
    competing: tuple[str, ...]
    censoring: str
    time_zero_is: str
    event_is: str
    competing_is: str | None
    censoring_is: str
    source: str | None
    evidence: str
    optional: tuple[str, ...] = ()
    final: tuple[str, ...] = (DEATH,)
    derived: tuple[str, ...] = ()
    not_started: str | None = None

    @property
    def labels(self) -> list[str]:
        """The labels of the events, each once, in the order that counts on one day."""
        return list(dict.fromkeys(self.events.values()))

    @property
    def on_one_day(self) -> str | None:
        """Which event counts if several are on one day, in words."""
        return " before ".join(self.labels) if len(self.labels) > 1 else None


@dataclass(frozen=True, slots=True)
class Status:
    """The definition of what is known of a patient at a time, rather than of a time: in words."""

    name: str
    time_zero_is: str
    event_is: str
    censoring_is: str
    source: str | None
    evidence: str
    competing_is: None = None
    on_one_day: None = None


STATED_START = "as stated: diagnosis, randomisation, start of treatment, infusion or transplantation"
INFUSION = "day of the infusion of the graft"
LAST_CONTACT = "last date known alive"
LAST_LOOK_FOR_GVHD = "last date at which GVHD was looked for"
LAST_COUNT = "last date at which blood counts were known"
LAST_ASSESSMENT = "last assessment of the disease without relapse or progression"
IACOBELLI = "Iacobelli, Bone Marrow Transplant 2013;48 Suppl 1:S1-S37"
HOLTAN = "Holtan et al, Blood 2015;125:1333-1338"
ELN_AML = "Doehner et al (European LeukemiaNet), Blood 2022;140:1345-1377, table 9"
OTHERS_OF_GVHD = {"relapse": "relapse", "second_transplant": "second transplant", DEATH: "death"}
OPTIONAL = ("relapse", "second_transplant")
OTHERS_IN_WORDS = "death; relapse, and second transplantation or graft failure, if their dates are given"
