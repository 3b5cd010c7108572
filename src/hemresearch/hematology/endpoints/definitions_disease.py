"""The definitions of endpoints of one disease or treatment, and of what is known of a patient at a time."""

from __future__ import annotations

from .definition import (
    DEATH,
    ELN_AML,
    LAST_ASSESSMENT,
    LAST_CONTACT,
    READ,
    SEVERAL_SOURCES,
    USAGE,
    Endpoint,
    Status,
)

LAST_VALUE = "last BCR::ABL1 value after the start, or the start where there is none"
DEATH_AS_STATED = "death if death_is='competing'; with death_is='event' it is an event itself"
EFS24_SOURCE = (
    "Mayo/Iowa cohort, Blood 2018;132 Suppl 1:454 (its events); Maurer et al, Ann Oncol 2018;29:1822-1827, "
    "PMC6096732, and PMC8179849 (survival after it, there of progression)"
)
PARPIA = "Parpia et al, Contemp Clin Trials 2011;32:829-833 (death as a competing event)"
MAJOR = "Schulman and Kearon (ISTH), J Thromb Haemost 2005;3:692-694"
NON_MAJOR = "Kaatz et al (ISTH), J Thromb Haemost 2015;13:2119-2126"

DISEASE: dict[str, Endpoint] = {
    "event_free_survival": Endpoint(
        name="event-free survival (EFS)",
        time_zero="start",
        events={
            "failure": "failure",
            "relapse": "relapse",
            "new_treatment": "new treatment",
            DEATH: "death",
        },
        competing=(),
        censoring="last_assessment",
        time_zero_is="randomisation or registration, else diagnosis",
        event_is="failure to reach remission by a stated landmark (as stated on day 1 or on its date), "
        "relapse or progression, unplanned new treatment if its date is given, or death of any cause",
        competing_is=None,
        censoring_is="last assessment of the response",
        source=ELN_AML,
        evidence=READ,
        optional=("failure", "new_treatment"),
    ),
    "relapse_incidence": Endpoint(
        name="cumulative incidence of relapse (CIR) and of death in remission (CID)",
        time_zero="remission",
        events={"relapse": "relapse", DEATH: "death in remission"},
        competing=(DEATH,),
        censoring="last_assessment",
        time_zero_is="remission; only patients who reached it",
        event_is="relapse",
        competing_is="death in remission",
        censoring_is="last assessment without relapse",
        source=ELN_AML,
        evidence="time zero and population read in the source; that death competes is usual",
        not_started="no remission",
    ),
    "duration_of_response": Endpoint(
        name="duration of response (DOR)",
        time_zero="response",
        events={"progression": "progression", DEATH: "death"},
        competing=(DEATH,),
        censoring="last_assessment",
        time_zero_is="first response; only responders",
        event_is="progression or relapse, and death if death_is='event'",
        competing_is=DEATH_AS_STATED,
        censoring_is=LAST_ASSESSMENT,
        source="Kim et al, Korean J Radiol 2024;25:937-941, PMC11524686",
        evidence=READ,
        not_started="no response",
    ),
    "time_to_next_treatment": Endpoint(
        name="time to next treatment (TTNT); with death as an event treatment-free survival",
        time_zero="start",
        events={"next_treatment": "next treatment", DEATH: "death"},
        competing=(DEATH,),
        censoring="last_contact",
        time_zero_is="start of a line of treatment",
        event_is="start of the next line, and death if death_is='event'",
        competing_is=DEATH_AS_STATED,
        censoring_is="last contact without a next treatment",
        source="Cancers 2020;12:2311, table 2, PMC7463470 (death is censored there)",
        evidence=READ,
    ),
    "time_to_first_treatment": Endpoint(
        name="time to first treatment (TTFT)",
        time_zero="diagnosis",
        events={"treatment": "treatment", DEATH: "death untreated"},
        competing=(DEATH,),
        censoring="last_contact",
        time_zero_is="diagnosis",
        event_is="start of the first treatment",
        competing_is="death without treatment",
        censoring_is="last contact without treatment",
        source="nationwide CLL cohort of Denmark, Blood Adv 2022;6:5698",
        evidence=READ,
    ),
    "molecular_response": Endpoint(
        name="molecular response in chronic myeloid leukaemia: MMR, MR4, MR4.5",
        time_zero="start",
        events={
            "value": "molecular response",
            "progression": "progression",
            "switch": "switch",
            DEATH: "death",
        },
        competing=("progression", "switch", DEATH),
        censoring="date",
        time_zero_is="start of the tyrosine kinase inhibitor",
        event_is="first BCR::ABL1 on the International Scale of at most 0.1 % (MMR), 0.01 % (MR4) or "
        "0.0032 % (MR4.5) after the start",
        competing_is="death; progression and switch of the inhibitor, if their dates are given",
        censoring_is=LAST_VALUE,
        source="Blood Adv 2020;4:5589 (MMR); A-STIM, Blood Adv 2020;4:3034 (MR4); www.ph-is.com (all)",
        evidence=SEVERAL_SOURCES,
        optional=("progression", "switch"),
        derived=("value", "date"),
    ),
    "treatment_free_remission": Endpoint(
        name="treatment-free remission (TFR) in chronic myeloid leukaemia",
        time_zero="stop",
        events={"value": "loss of MMR", "restart": "restart", DEATH: "death"},
        competing=(),
        censoring="date",
        time_zero_is="stop of the tyrosine kinase inhibitor; only patients who stopped",
        event_is="loss of MMR (one BCR::ABL1 above 0.1 % on the International Scale), restart of treatment, "
        "or death of any cause",
        competing_is=None,
        censoring_is=LAST_VALUE.replace("start", "stop"),
        source="A-STIM, Blood Adv 2020;4:3034; STOP 2G-TKI, Blood 2017;129:846 (loss of MMR)",
        evidence="several sources agree on the loss of MMR; restart and death as events are usual",
        derived=("value", "date"),
        not_started="no stop",
    ),
    "overall_survival_from_efs24": Endpoint(
        name="overall survival from EFS24",
        time_zero="efs24_from",
        events={DEATH: "death"},
        competing=(),
        censoring="last_contact",
        time_zero_is="24 months after diagnosis without an event, or the day of an earlier event",
        event_is="death of any cause",
        competing_is=None,
        censoring_is=LAST_CONTACT,
        source=EFS24_SOURCE,
        evidence=SEVERAL_SOURCES,
        not_started="no known status at 24 months, or a death before it,",
    ),
    "recurrent_vte": Endpoint(
        name="recurrent venous thromboembolism (VTE)",
        time_zero="start",
        events={"recurrence": "recurrence", "major_bleeding": "major bleeding", DEATH: "death"},
        competing=("major_bleeding", DEATH),
        censoring="last_contact",
        time_zero_is="as stated: the first event, start or stop of anticoagulation",
        event_is="first objectively confirmed recurrence",
        competing_is="death; major bleeding, if its date is given",
        censoring_is="last contact at which a recurrence was asked for",
        source=PARPIA,
        evidence=SEVERAL_SOURCES,
        optional=("major_bleeding",),
    ),
    "major_bleeding": Endpoint(
        name="major bleeding (ISTH)",
        time_zero="start",
        events={"major_bleeding": "major bleeding", DEATH: "death"},
        competing=(DEATH,),
        censoring="last_contact",
        time_zero_is="as stated: the first event, start or stop of anticoagulation",
        event_is="first major bleeding: fatal, in a critical site or organ, or with a fall of haemoglobin of "
        "at least 20 g/L or at least 2 units of red cells",
        competing_is="death without major bleeding",
        censoring_is="last contact at which bleeding was asked for",
        source=MAJOR,
        evidence=SEVERAL_SOURCES,
    ),
    "clinically_relevant_bleeding": Endpoint(
        name="clinically relevant bleeding (ISTH): major, or clinically relevant and not major",
        time_zero="start",
        events={
            "major_bleeding": "clinically relevant bleeding",
            "non_major_bleeding": "clinically relevant bleeding",
            DEATH: "death",
        },
        competing=(DEATH,),
        censoring="last_contact",
        time_zero_is="as stated: the first event, start or stop of anticoagulation",
        event_is="first major bleeding or overt bleeding that is not major and needs medical intervention, a "
        "hospital stay or a higher level of care, or a face-to-face evaluation",
        competing_is="death without clinically relevant bleeding",
        censoring_is="last contact at which bleeding was asked for",
        source=f"{MAJOR}; {NON_MAJOR}",
        evidence="several sources agree on major bleeding, one source of that which is not major",
    ),
}

STATUS: dict[str, Status] = {
    "efs24": Status(
        name="event-free survival at 24 months (EFS24)",
        time_zero_is="diagnosis",
        event_is="progression or relapse, new treatment, or death within 24 months",
        censoring_is="unknown (null) without an event and with less than 24 months of follow-up",
        source=EFS24_SOURCE,
        evidence=SEVERAL_SOURCES,
    ),
    "response_at_landmark": Status(
        name="response at a fixed time",
        time_zero_is="start of treatment",
        event_is="a stated category in the assessment that is nearest to the time",
        censoring_is="not evaluable as stated: no response (intention to treat), or null",
        source=None,
        evidence=USAGE,
    ),
    "transfusion_independence": Status(
        name="independence of red-cell transfusion",
        time_zero_is="start of treatment",
        event_is="at least the stated number of weeks (8 by the IWG of 2006) in a row without a transfusion",
        censoring_is="observed for less, as stated: not independent, or null",
        source="IWG 2006 as tabulated in ashpublications.com view-large/12327085; the IMerge trial (8 and 24 "
        "weeks) as reported in ascopost.com, December 2023",
        evidence=SEVERAL_SOURCES,
    ),
    "first_sustained": Status(
        name="recovery of neutrophils or platelets",
        time_zero_is="day of the infusion of the graft",
        event_is="first of a stated number of counts in a row at or above a limit, such as three of "
        "0.5 x 10^9/L neutrophils, or of 20 x 10^9/L platelets without a transfusion in 7 days",
        censoring_is="null without it",
        source="CIBMTR Forms Instruction Manual, initial ANC recovery and initial platelet recovery",
        evidence=READ,
    ),
}
