"""The namespaces of SSBTEK v10 and of the agencies behind it."""

from __future__ import annotations

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SSBT = "http://schema.forsakringskassan.se/integration/ssbt/10"
AF = "http://api.arbetsformedlingen.se/arbetssokande/ersattningsstod/v2"
SO = "http://INT014.UBPService.Schemas"
TNS = "http://schema.transportstyrelsen.se/ssbtek/hamtauppgifterresponder/1"
FORDON = "http://schema.transportstyrelsen.se/ssbtek/fordon/1"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

CSN = "http://schema.csn.se/v4.0/kommunfraga"
CSN_PERSON = "http://schema.csn.se/v4.0/person"
CSN_TYPES = "http://schema.csn.se/v4.0/csntyper"
CSN_KINDS = {
    "Studiemedel": "http://schema.csn.se/v4.0/studiemedel",
    "Studiehjalp": "http://schema.csn.se/v4.0/studiehjalp",
    "HemutrustningsLan": "http://schema.csn.se/v4.0/hemutrustningslan",
    "Studiestartsstod": "http://schema.csn.se/v4.0/studiestartsstod",
    "Omstallningsstudiestod": "http://schema.csn.se/v4.0/omstallningsstudiestod",
}
"""CSN's five kinds of support, in the order of its schema, and the namespace of each."""

SKV_ANSWER = "http://xmls.skatteverket.se/se/skatteverket/zg/instans/standardiseradInformation/1.0"
SKV_TAX = "http://xmls.skatteverket.se/se/skatteverket/zg/komponent/infoForBeskattning/1.0"
SKV_PERSON = "http://xmls.skatteverket.se/se/skatteverket/zg/komponent/infoForFolkbokforing/1.0"

AGENCIES = ("AF", "CSN", "FK", "SKV", "SO", "TNS", "MIV")
"""The agencies of one question and one answer, in the order that the schema fixes."""
