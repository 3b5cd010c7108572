"""What each endpoint is: time zero, events, competing events, censoring. A further one is a further entry."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

CENSORED = "censored"
DEATH = "death"


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
        that stands first here.
    competing
        The roles among `events` that compete with the others. With none the endpoint is a composite, and
        whichever comes first is the event.
    censoring
        The role of the date that ends the time of a patient without an event.
    optional
        The roles that a study may leave out by saying so.
    time_zero_is, event_is, competing_is, censoring_is
        The same for a reader.
    source
        Where the definition stands; None where the name is the definition.
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
    optional: tuple[str, ...] = ()

    @property
    def on_one_day(self) -> str | None:
        """Which event counts if several are on one day, in words."""
        labels = list(self.events.values())
        return f"{' before '.join(labels)}" if len(labels) > 1 else None


STATED_START = "as stated: diagnosis, randomisation, start of treatment, infusion or transplantation"
INFUSION = "day of the infusion of the graft"
LAST_CONTACT = "last date known alive"
LAST_LOOK_FOR_GVHD = "last date at which GVHD was looked for"
LAST_COUNT = "last date at which blood counts were known"
LAST_ASSESSMENT = "last assessment of the disease without relapse or progression"
IACOBELLI = "Iacobelli, Bone Marrow Transplant 2013;48 Suppl 1:S1-S37"
HOLTAN = "Holtan et al, Blood 2015;125:1333-1338"
OTHERS_OF_GVHD = {"relapse": "relapse", "second_transplant": "second transplant", DEATH: "death"}
OPTIONAL = ("relapse", "second_transplant")
OTHERS_IN_WORDS = "death; relapse, and second transplantation or graft failure, if their dates are given"

ENDPOINTS: dict[str, Endpoint] = {
    "overall_survival": Endpoint(
        name="overall survival (OS)",
        time_zero="start",
        events={DEATH: "death"},
        competing=(),
        censoring="last_contact",
        time_zero_is=STATED_START,
        event_is="death of any cause",
        competing_is=None,
        censoring_is=LAST_CONTACT,
        source=IACOBELLI,
    ),
    "progression_free_survival": Endpoint(
        name="progression-free survival (PFS)",
        time_zero="start",
        events={"progression": "progression", DEATH: "death"},
        competing=(),
        censoring="last_assessment",
        time_zero_is=STATED_START,
        event_is="progression, relapse, or death of any cause",
        competing_is=None,
        censoring_is=LAST_ASSESSMENT,
        source=IACOBELLI,
    ),
    "relapse_free_survival": Endpoint(
        name="relapse-free survival (RFS); after transplantation leukaemia-free (LFS), disease-free (DFS)",
        time_zero="start",
        events={"relapse": "relapse", DEATH: "death"},
        competing=(),
        censoring="last_assessment",
        time_zero_is="remission, or transplantation",
        event_is="relapse, or death of any cause",
        competing_is=None,
        censoring_is=LAST_ASSESSMENT,
        source=IACOBELLI,
    ),
    "relapse_and_nrm": Endpoint(
        name="relapse and non-relapse mortality (NRM)",
        time_zero="transplant",
        events={"relapse": "relapse", DEATH: "death without relapse"},
        competing=(DEATH,),
        censoring="last_assessment",
        time_zero_is=INFUSION,
        event_is="relapse or progression; death without it",
        competing_is="each of the two with the other",
        censoring_is=LAST_ASSESSMENT,
        source=IACOBELLI,
    ),
    "acute_gvhd": Endpoint(
        name="acute graft-versus-host disease",
        time_zero="transplant",
        events={"acute_gvhd": "acute GVHD"} | OTHERS_OF_GVHD,
        competing=tuple(OTHERS_OF_GVHD),
        censoring="last_contact",
        time_zero_is=INFUSION,
        event_is="first acute GVHD of the grades stated",
        competing_is=OTHERS_IN_WORDS,
        censoring_is=LAST_LOOK_FOR_GVHD,
        source=IACOBELLI,
        optional=OPTIONAL,
    ),
    "chronic_gvhd": Endpoint(
        name="chronic graft-versus-host disease",
        time_zero="transplant",
        events={"chronic_gvhd": "chronic GVHD"} | OTHERS_OF_GVHD,
        competing=tuple(OTHERS_OF_GVHD),
        censoring="last_contact",
        time_zero_is=INFUSION,
        event_is="first chronic GVHD of the severity stated",
        competing_is=OTHERS_IN_WORDS,
        censoring_is=LAST_LOOK_FOR_GVHD,
        source=IACOBELLI,
        optional=OPTIONAL,
    ),
    "grfs": Endpoint(
        name="GVHD-free, relapse-free survival (GRFS)",
        time_zero="transplant",
        events={
            "acute_gvhd_3_4": "acute GVHD",
            "chronic_gvhd_systemic": "chronic GVHD",
            "relapse": "relapse",
            DEATH: "death",
        },
        competing=(),
        censoring="last_assessment",
        time_zero_is=INFUSION,
        event_is="acute GVHD of grade III-IV, chronic GVHD with systemic therapy, relapse, or death; "
        "Holtan et al count those of the first year",
        competing_is=None,
        censoring_is=LAST_ASSESSMENT,
        source=HOLTAN,
    ),
    "crfs": Endpoint(
        name="chronic GVHD-free, relapse-free survival (CRFS)",
        time_zero="transplant",
        events={"chronic_gvhd": "chronic GVHD", "relapse": "relapse", DEATH: "death"},
        competing=(),
        censoring="last_assessment",
        time_zero_is=INFUSION,
        event_is="chronic GVHD of the severity stated, relapse, or death",
        competing_is=None,
        censoring_is=LAST_ASSESSMENT,
        source=None,
    ),
    "engraftment": Endpoint(
        name="engraftment",
        time_zero="transplant",
        events={"engraftment": "engraftment"} | OTHERS_OF_GVHD,
        competing=tuple(OTHERS_OF_GVHD),
        censoring="last_contact",
        time_zero_is=INFUSION,
        event_is="engraftment as stated, such as the first of three days with neutrophils of 0.5 x 10^9/L",
        competing_is=OTHERS_IN_WORDS,
        censoring_is=LAST_COUNT,
        source=IACOBELLI,
        optional=OPTIONAL,
    ),
}


def describe() -> pl.DataFrame:
    """How each endpoint is defined, one row per endpoint.

    Returns
    -------
    polars.DataFrame
        `endpoint` (the function), `name`, `time_zero`, `event`, `competing` (null: nothing competes),
        `censoring`, `on_one_day` (which event counts if several are on one day), `source`.

    Examples
    --------
    >>> table = describe()
    >>> table.filter(endpoint="relapse_and_nrm").row(0, named=True)["competing"]
    'each of the two with the other'
    >>> table.filter(endpoint="overall_survival").select("time_zero", "event", "censoring").row(0)[1:]
    ('death of any cause', 'last date known alive')
    """
    return pl.DataFrame(
        [
            {
                "endpoint": function,
                "name": e.name,
                "time_zero": e.time_zero_is,
                "event": e.event_is,
                "competing": e.competing_is,
                "censoring": e.censoring_is,
                "on_one_day": e.on_one_day,
                "source": e.source,
            }
            for function, e in ENDPOINTS.items()
        ]
    )
