"""From a certificate to claims, and from a report that passed to a principal."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from esign_kit.asn1.certificate import Certificate
from esign_kit.asn1.names import SHORT_NAMES, label, printable
from esign_kit.eid.assurance import assess
from esign_kit.eid.extract import Extracted, attribute_values, extract, first
from esign_kit.eid.facts import certificate_facts
from esign_kit.eid.mandate import certificate_mandates, role_of_title
from esign_kit.errors import AssuranceError, IdentityError, SignatureRejected
from esign_kit.model.assurance import Assurance, Level, Reason
from esign_kit.model.identifier import Claim, Identifier, Provenance, Source
from esign_kit.model.principal import (
    Organisation,
    Person,
    PersonName,
    Principal,
    PrincipalKind,
    Proof,
    ProofKind,
    StatedRole,
    Subject,
    System,
)
from esign_kit.model.report import Check, CheckStatus, SubIndication
from esign_kit.model.schemes import IdentifierKind
from esign_kit.model.signature import Format

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from esign_kit.asn1.names import Attribute
    from esign_kit.model.report import SignatureReport
    from esign_kit.profiles.data import Profile, RoleRule

__all__ = ["describe", "identify", "profile_for", "subject_continuity"]

_SHOWN = 256


def describe(certificate: Any, profile: Profile | None = None) -> Subject:
    """Return what a certificate says about its holder. Nothing is vouched for.

    Args:
        certificate: DER, PEM, a path, a ``cryptography`` object or our own view.
        profile: how to read it; by default the one of the country that the subject names, and
            ``eidas`` for all others.

    Raises:
        IdentityError: two candidates for one number, a look-alike, or a malformed number.
        InputError: no certificate.
    """
    from esign_kit.trust.store import as_certificates

    view = as_certificates(certificate)[0]
    chosen = profile if profile is not None else profile_for(view)
    return _describe(view, chosen)


def profile_for(certificate: Certificate) -> Profile:
    """Return the profile of the country that a subject names; ``eidas`` where there is none."""
    from esign_kit.profiles import BUILT_IN, profile, profiles

    stated = attribute_values(certificate.subject_attributes, "2.5.4.6")
    country = stated[0].lower() if len(stated) == 1 else ""
    if country in BUILT_IN:
        return profile(country)
    if len(country) == 2 and country in profiles():
        return profile(country)
    return profile("eidas")


def identify(
    report: SignatureReport,
    *,
    profile: Profile,
    minimum: Level | Assurance | None = None,
    purpose: str = "SIGNING",
) -> Principal:
    """Return who signed, from a report that passed.

    Args:
        report: of one signature; its indication must be TOTAL_PASSED.
        profile: its identity rules; the chain must end at one of *its* anchors, because a number
            means something only under the authorities that give it out.
        minimum: an overall level (``Assurance.SUBSTANTIAL``) or a vector.
        purpose: what the key must be given out for; ``"AUTHENTICATION"`` for a login.

    Raises:
        SignatureRejected: the signature did not pass; carries the report.
        IdentityError: no clear identifier, an anchor that is not the profile's
            (``identity.foreign-anchor``), a key that is not for signing (``identity.purpose``), or
            a published test identity under production anchors (``identity.test-identity``).
        AssuranceError: less than ``minimum``; carries what was needed and what was found.
    """
    report.raise_for_status()
    if report.format is Format.TIMESTAMP:
        raise IdentityError("a time-stamp names a service, not a signer", code="identity.kind")
    if report.signing_certificate_der is None:
        raise SignatureRejected("no signing certificate was identified", report=report)
    _check_anchor(report, profile)
    view = Certificate.load(report.signing_certificate_der)
    subject = _describe(view, profile, proofs=("certificate", "signature"))
    _check_use(subject, profile, purpose)
    at = report.best_signature_time
    assurance = replace(subject.assurance, at=at)
    proof = Proof(
        ProofKind.SIGNATURE,
        at,
        digest=sha256(view.der).hexdigest(),
        reference=report.id,
        subjects=subject.identifiers,
        assurance=assurance,
    )
    missing = assurance.missing(minimum) if minimum is not None else ()
    if missing:
        raise AssuranceError(
            "not sure enough: " + "; ".join(missing), needed=minimum, found=assurance
        )
    return _principal(subject, profile, proof)


def _principal(subject: Subject, profile: Profile, proof: Proof) -> Principal:
    holder = subject.person or subject.organisation or subject.system
    if subject.kind is PrincipalKind.ORGANISATION and subject.organisation:
        holder = subject.organisation
    elif subject.kind is PrincipalKind.SYSTEM and subject.system:
        holder = subject.system
    represented = subject.organisation if subject.kind is not PrincipalKind.ORGANISATION else None
    return Principal(
        kind=subject.kind,
        subject=holder or Person(),
        profile=profile.name,
        at=proof.at,
        acting_for=subject.mandates[0] if len(subject.mandates) == 1 else None,
        mandates=subject.mandates,
        assurance=proof.assurance,
        established_by=(proof,),
        roles=subject.roles,
        affiliation=represented if represented and not subject.mandates else None,
        represented=represented,
        notes=(*subject.notes, *_about(profile)),
    )


def _about(profile: Profile) -> list[str]:
    """Say what a reader of the principal must know about the profile."""
    notes = [f"profile changed: {item}" for item in profile.overrides]
    if profile.environment != "production":
        notes.append(f"anchors of another kind than production: {profile.environment}")
    return notes


def _check_anchor(report: SignatureReport, profile: Profile) -> None:
    """Bind a scheme to its own anchors: another authority's IIN is nobody's IIN."""
    last = report.chain_der[-1] if report.chain_der else None
    own = {anchor.certificate.der for anchor in profile.trust}
    if last is None or last not in own:
        end = Certificate.load(last).label if last else "nobody"
        raise IdentityError(
            f"the chain ends at {end}, which is no anchor of the profile {profile.name!r} "
            f"({profile.environment})",
            code="identity.foreign-anchor",
            hint="if you trust it for these identifiers, say so: profile.with_anchors(...)",
        )


def _check_use(subject: Subject, profile: Profile, purpose: str = "SIGNING") -> None:
    if profile.purposes and purpose not in subject.purposes:
        raise IdentityError(
            f"the key is not for {purpose.lower()} by the rules of the profile "
            f"(it is for {', '.join(sorted(subject.purposes)) or 'nothing that is known'})",
            code="identity.purpose",
        )
    if profile.environment == "production" and _is_test(subject, profile):
        raise IdentityError(
            "a published test identity under production anchors", code="identity.test-identity"
        )


def _is_test(subject: Subject, profile: Profile) -> bool:
    known = set(profile.data.get("test_identities", ()))
    stated = [*subject.identifiers]
    if subject.organisation:
        stated += subject.organisation.identifiers
    return any(f"{i.country}/{i.scheme}/{i.value}" in known for i in stated)


# ── reading a certificate ─────────────────────────────────────────────────────────────────────


def _describe(
    view: Certificate, profile: Profile, proofs: tuple[str, ...] = ("certificate",)
) -> Subject:
    """Read one certificate; remembered, because subject and profile never change."""
    found: Subject = profile.remembered(
        ("subject", view.der, proofs), lambda: _read(view, profile, proofs)
    )
    return found


def _read(view: Certificate, profile: Profile, proofs: tuple[str, ...]) -> Subject:
    attributes = view.subject_attributes
    origin = Provenance(
        Source.CERTIFICATE,
        issuer=label(view.issuer)[:_SHOWN],
        digest=sha256(view.der).hexdigest(),
        at=view.not_before_time,
    )
    extracted = extract(attributes, profile, origin=origin)
    facts = certificate_facts(view)
    stated = _stated_roles(profile, facts)
    texts = _texts(attributes)
    person_ids = extracted.found["person"] or extracted.fallbacks
    kind = _kind(view, profile, extracted, person_ids, stated, texts)
    place = profile.data.get("identity", {})
    organisation = _organisation(place, texts, extracted, kind)
    title = _of(place.get("title", ()), texts, place)
    person = _person(profile, texts, person_ids, extracted.links)
    is_person = kind is PrincipalKind.PERSON
    is_authority = view.basic_constraints is not None and view.basic_constraints.ca
    mandates = (
        certificate_mandates(
            profile,
            view,
            person=person.identifier,
            organisation=organisation.identifier if organisation else None,
            roles=stated,
            title=title,
            unit=_of(place.get("unit", ()), texts, place),
        )
        if is_person
        else ()
    )
    facts |= {"proof": frozenset(proofs), "kind": str(kind)}
    identified = (
        person.identified
        if is_person
        else bool(extracted.found["organisation"] or extracted.found["system"])
    )
    system = System(tuple(extracted.found["system"]), first(texts.get("CN", ())))
    return Subject(
        profile=profile.name,
        kind=kind,
        person=person if is_person else None,
        organisation=organisation,
        system=system if kind is PrincipalKind.SYSTEM else None,
        roles=_roles(profile, view, stated, title),
        mandates=mandates,
        purposes=frozenset() if is_authority else _purposes(profile, facts),
        policies=view.policies,
        issuer=view.issuer_text[:1024],
        serial=format(view.serial, "x"),
        not_before=view.not_before_time,
        not_after=view.not_after_time,
        assurance=_unidentified(assess(profile, facts), identified),
        notes=(
            *_notes(profile, extracted, organisation, person_ids, kind),
            *(("the certificate of a certification authority",) if is_authority else ()),
        ),
    )


def _unidentified(assurance: Assurance, identified: bool) -> Assurance:
    """Without a number nothing is known about whose it is, however good the certificate."""
    if identified or assurance.identity == "UNKNOWN":
        return assurance
    reason = Reason("identity", "NONE", "no-identifier", detail="the source names no number")
    kept = tuple(item for item in assurance.reasons if item.axis != "identity")
    return replace(assurance, identity=type(assurance.identity).NONE, reasons=(*kept, reason))


def _texts(attributes: Sequence[Attribute]) -> dict[str, list[str]]:
    """Return bounded, escaped texts by short name; for people, never for matching."""
    found: dict[str, list[str]] = {}
    for attribute in attributes:
        if attribute.value is None:
            continue
        text = attribute.value
        cut = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
        found.setdefault(SHORT_NAMES.get(attribute.oid, attribute.oid), []).append(printable(cut))
    return found


def _of(names: Iterable[str], texts: Mapping[str, list[str]], place: Mapping[str, Any]) -> str:
    empty = {item.casefold() for item in place.get("placeholders", ())}
    for name in names:
        value = first(texts.get(name, ()))
        if value and value.casefold() not in empty:
            return value
    return ""


def _kind(
    view: Certificate,
    profile: Profile,
    extracted: Extracted,
    person_ids: Sequence[Identifier],
    stated: Sequence[RoleRule],
    texts: Mapping[str, list[str]],
) -> PrincipalKind:
    if view.basic_constraints is not None and view.basic_constraints.ca:
        return PrincipalKind.ORGANISATION
    if extracted.found["person"] or any(n.kind is IdentifierKind.DOCUMENT for n in extracted.links):
        return PrincipalKind.PERSON
    if extracted.found["system"] or any(role.kind == "SYSTEM" for role in stated):
        return PrincipalKind.SYSTEM
    hook = profile.hook("kind")
    told = hook(texts) if hook else None
    if told:
        return PrincipalKind(told)
    if extracted.found["organisation"]:
        return PrincipalKind.ORGANISATION
    if person_ids or texts.get("SN"):
        return PrincipalKind.PERSON
    return PrincipalKind(profile.data.get("identity", {}).get("default_kind", "PERSON"))


def _organisation(
    place: Mapping[str, Any],
    texts: Mapping[str, list[str]],
    extracted: Extracted,
    kind: PrincipalKind,
) -> Organisation | None:
    numbers = tuple(extracted.found["organisation"])
    names = place.get("organisation_name", ())
    if kind is PrincipalKind.ORGANISATION:
        names = place.get("acting_organisation_name", (*names, "CN"))
    name = _of(names, texts, place)
    if not numbers and not name:
        return None
    unit = _of(place.get("unit", ()), texts, place)
    return Organisation(numbers, name, unit=unit)


def _person(
    profile: Profile,
    texts: Mapping[str, list[str]],
    numbers: Sequence[Identifier],
    links: Sequence[Identifier],
) -> Person:
    birth, sex = None, None
    for number in numbers:
        facts = number.derived
        where = Provenance(Source.DERIVED, rule=f"{number.country}/{number.scheme}")
        if facts.birth_date and birth is None:
            birth = Claim(facts.birth_date, where)
        if facts.sex and sex is None:
            sex = Claim(facts.sex, where)
    others = tuple(link for link in links if link not in numbers)
    return Person(tuple(numbers), _name(profile, texts), others, birth, sex)


def _name(profile: Profile, texts: Mapping[str, list[str]]) -> PersonName | None:
    hook = profile.hook("names")
    if hook:
        found: PersonName | None = hook(texts)
    else:
        table = profile.data.get("identity", {}).get("names", {})
        parts = {
            part: first(texts.get(table[part], ())) or None
            for part in ("family", "given", "patronymic")
            if part in table
        }
        raw = first(texts.get(table.get("raw", "CN"), ()))
        found = None
        if raw or any(parts.values()):
            found = PersonName(
                raw, parts.get("family"), parts.get("given"), parts.get("patronymic")
            )
    return replace(found, script=_script(found.raw)) if found else None


def _script(text: str) -> str:
    """Return the ISO 15924 code of the letters; ``Zyyy`` where two scripts are mixed."""
    import unicodedata

    seen = {unicodedata.name(c, "?").split()[0] for c in text if c.isalpha()}
    codes = {"LATIN": "Latn", "CYRILLIC": "Cyrl", "GREEK": "Grek", "ARABIC": "Arab"}
    return codes.get(next(iter(seen)), "Zzzz") if len(seen) == 1 else ("Zyyy" if seen else "")


def _stated_roles(profile: Profile, facts: Mapping[str, Any]) -> list[RoleRule]:
    stated = facts["extended_key_usage"] | facts["policy"]
    return [rule for rule in profile.roles if rule.oid in stated]


def _roles(
    profile: Profile, view: Certificate, stated: Sequence[RoleRule], title: str
) -> tuple[StatedRole, ...]:
    """Return the roles, known ones first; an unknown usage under a known arc is kept raw."""
    known = {rule.oid for rule in profile.roles}
    arcs = {oid.rpartition(".")[0] for oid in known}
    found = [StatedRole(r.oid, r.name, r.title, r.role, r.recalled) for r in stated]
    for oid in view.extended_key_usage or ():
        if oid not in known and any(oid.startswith(arc + ".") for arc in arcs):
            found.append(StatedRole(oid))
    if title:
        found.append(StatedRole("2.5.4.12", "title", title, role_of_title(profile, title)))
    return tuple(found)


def _purposes(profile: Profile, facts: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(
        rule.purpose
        for rule in profile.purposes
        if rule.fits(facts["key_usage"], facts["extended_key_usage"], facts["key_algorithm"])
    )


def _notes(
    profile: Profile,
    extracted: Extracted,
    organisation: Organisation | None,
    person_ids: Sequence[Identifier],
    kind: PrincipalKind,
) -> tuple[str, ...]:
    notes = list(extracted.notes)
    numbers = [*person_ids, *extracted.found["organisation"]]
    test = set(profile.data.get("test_identities", ()))
    if any(f"{i.country}/{i.scheme}/{i.value}" in test for i in numbers):
        notes.append("a published test identity: its keys are in everybody's hands")
    notes += [
        f"{number.country}/{number.scheme}: {', '.join(number.derived.findings)}"
        for number in numbers
        if number.derived.findings
    ]
    if kind is PrincipalKind.PERSON and not person_ids:
        stated = ", ".join(f"{link.country}/{link.scheme}" for link in extracted.links)
        notes.append(
            f"no number of the person; stated beside it: {stated}"
            if stated
            else "no number of the person: a name is not an identifier"
        )
    if organisation and not organisation.identified:
        notes.append("the organisation is named, not identified")
    return tuple(notes)


# ── continuity ────────────────────────────────────────────────────────────────────────────────


def subject_continuity(
    *,
    login: Identifier | None = None,
    signature: Identifier | None = None,
    mandate_holder: Identifier | None = None,
    payload: Identifier | None = None,
) -> Check:
    """Check that login, signature, mandate and payload speak of the same person.

    What is ``None`` is not compared; fewer than two leave the check NOT_RUN. Numbers are the same
    only if country, scheme and value agree; a link (passport to personal number) is not identity.
    """
    stated = {
        "login": login,
        "signature": signature,
        "mandate": mandate_holder,
        "payload": payload,
    }
    given = {name: item for name, item in stated.items() if item is not None}
    facts = {name: item.urn() for name, item in given.items()}
    if len(given) < 2:
        return Check(
            "subject-continuity", CheckStatus.NOT_RUN, detail="fewer than two subjects to compare"
        )
    if len(set(given.values())) == 1:
        return Check(
            "subject-continuity",
            CheckStatus.PASSED,
            detail=f"{' = '.join(given)}: {next(iter(given.values()))}",
            facts=facts,
        )
    told = ", ".join(f"{name} {item}" for name, item in given.items())
    return Check(
        "subject-continuity",
        CheckStatus.FAILED,
        SubIndication.SIG_CONSTRAINTS_FAILURE,
        detail=f"not the same subject: {told}",
        hint="the one who logged in must be the one who signs and who is named",
        code="identity.subject-continuity",
        facts=facts,
    )
