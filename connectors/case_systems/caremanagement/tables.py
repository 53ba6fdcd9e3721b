"""CareManagement's enums and our names for them."""

from __future__ import annotations

SLUGS = {
    "financial-assistance-new": "first",
    "financial-assistance-renewal": "renewal",
    "financial-assistance-supplementary": "supplementary",
}
APPLICATION_TYPES = {"NEW": "first", "RENEWAL": "renewal", "SUPPLEMENTARY": "supplementary"}
PERIOD_CHOICES = {"CURRENT_MONTH": "current", "NEXT_MONTH": "next", "OTHER_BENEFIT": "other_benefit"}
CIVIL_STATUS = {"SINGLE": "single", "COHABITING": "cohabiting"}
NORM_TYPES = {"NATIONAL_NORM": "riksnorm", "OTHER_NORM": "other"}
HOUSING_FORMS = {
    "NO_HOUSING_OR_INSTITUTION": "none_or_institution",
    "RENTAL": "rental",
    "SUBLET": "sublet",
    "LODGER": "lodger",
    "CONDOMINIUM": "condominium",
    "OWNED_HOUSE": "owned_house",
    "RENTED_HOUSE": "rented_house",
    "LIVING_WITH_PARENTS": "with_parents",
}
ROLES = {"APPLICANT": "applicant", "CO_APPLICANT": "co_applicant"}
RESIDENCE = {"FULL_TIME": "full_time", "HALF_TIME": "half_time", "OTHER": "other"}
COST_TYPES = {
    "RENT": "rent",
    "ELECTRICITY": "electricity",
    "HOME_INSURANCE": "home_insurance",
    "INTERNET": "internet",
    "UNEMPLOYMENT_FUND": "unemployment_fund",
    "UNION_FEE": "union_fee",
    "TRAVEL_APPROVED": "travel_work",
    "TRAVEL_MEDICAL_TRANSPORT": "travel_medical",
    "MEDICAL_CARE": "medical_care",
    "MEDICINE": "medicine",
    "OTHER": "other",
}
OTHER_COSTS = {"OTHER": "other", "MUNICIPAL_FEES": "municipal_fees", "ACUTE_DENTAL": "dental_acute"}
INCOME_TYPES = {
    "OTHER_INCOME": "other",
    "FINANCIAL_AID_OTHER_MUNICIPALITY": "aid_other_municipality",
    "SALARY": "salary",
    "SWISH_DEPOSITS": "swish",
    "OCCUPATIONAL_PENSION_INSURANCE": "occupational_pension",
    "CHILD_SUPPORT": "maintenance",
    "RENT_SHARE_FROM_CHILD": "rent_share_from_child",
}
ASSET_TYPES = {"BANK_SAVINGS": "bank_savings", "REAL_ESTATE": "real_estate", "COMPANY": "company", "VEHICLE": "vehicle", "OTHER": "other"}
PROPERTY_TYPES = {name: name for name in ("CONDOMINIUM", "HOUSE", "PROPERTY", "HOLIDAY_HOME")}
VEHICLE_TYPES = {name: name for name in ("CAR", "BOAT", "MOTORCYCLE", "CARAVAN", "MOPED", "SNOWMOBILE", "OTHER")}
PLAN_TYPES = {"WORK": "work", "JOBSEEKING": "job_seeking", "SICK_LEAVE": "sick_leave", "SFI": "sfi", "OTHER": "other"}
WORK_EXTENTS = {"FULL": "full", "PART": "part"}
SICK_LEAVE = {level: level for level in ("100", "75", "50", "25")}
SFI_PATHS = {path: path for path in ("1", "2", "3")}
SFI_COURSES = {course: course for course in ("A", "B", "C", "D")}
PAYMENT_METHODS = {"BANK_ACCOUNT": "bank_account", "OTHER": "other"}

ELIGIBILITY_REASONS = frozenset({"NO_EXISTING_CASE", "MARITAL_STATUS_CHANGED", "RECENTLY_CLOSED", "EXISTING_CASE"})
"""ALL_TYPES_TEST is left out on purpose: it is a test switch, and must be seen by a person if it is ever on."""

_WARNING_TYPES = {
    "UNHANDLED_INCOME": (
        "income.off_list",
        "income.left_to_caseworker",
        "income.unreadable",
        "income.mixed_rows",
        "income.currency",
        "income.wrong_month",
        "income.child",
    ),
    "INCOME_CHANGE": ("income.changed", "income.differs"),
    "MISSING_SSBTEK": ("register.unavailable", "register.incomplete"),
    "NEW_INCOME": ("income.new", "income.month_before"),
    "NEW_EXPENSE": ("cost.new",),
    "INCOME_DROPPED": ("income.vanished",),
    "HOUSEHOLD_CHANGE": ("case.household_changed", "case.residence_changed"),
}
WARNING_OF_FLAG = {flag: warning for warning, flags in _WARNING_TYPES.items() for flag in flags}
"""Flags that fit one of the warning types that CareManagement takes; the others stand in the document only."""
