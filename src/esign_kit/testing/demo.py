"""``make demo``: the main job on a fixture country, with files that the reader can play with.

A citizen applies for unemployment benefit, the director of the last employer co-signs. The file is
verified against the country's root, every check is shown, and both signers are named: who, for
whom, with what right, how surely.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

import esign_kit as ek
from esign_kit.asn1.names import printable
from esign_kit.testing.pki import FixturePKI

if TYPE_CHECKING:
    from esign_kit.model.principal import Principal
    from esign_kit.profiles import Profile

__all__ = ["main", "play"]

_PASSWORD = "demo"  # noqa: S105 - of keys that are worth nothing
_CITIZEN, _DIRECTOR, _COMPANY = "900101300017", "800202300025", "150240000006"

_RIGHT = "kz:sign"

_README = """\
# What lies here

The country is a fixture: its keys are public knowledge and worth nothing. Look at it, break it:

    .venv/bin/esign verify demo/application.p7m --profile kz --trust demo/trust --evidence demo/crl
    .venv/bin/esign verify demo/altered.p7m --profile kz --trust demo/trust --evidence demo/crl
    .venv/bin/esign whoami demo/application.p7m --profile kz --trust demo/trust \\
        --evidence demo/crl
    .venv/bin/esign inspect demo/application.p7m
    .venv/bin/esign keys demo/director.p12 --password-file demo/password
    .venv/bin/esign sign demo/application.json --key demo/citizen.p12 \\
        --password-file demo/password --format cades --packaging detached --level B -o demo/mine.p7s
    .venv/bin/esign verify demo/mine.p7s --detached demo/application.json --profile kz \\
        --trust demo/trust --evidence demo/crl

| file | is |
|---|---|
| application.json | what is signed |
| application.p7m | the application with both signatures (CAdES baseline B) |
| application.xml | the same as XML, signed by both (XAdES baseline B, enveloped) |
| altered.p7m | the first one with one letter changed |
| report.json | the report of application.p7m, for programs |
| citizen.p12, director.p12 | the keys; the password stands in the file `password` |
| citizen.cer | the citizen's certificate alone, as `esign trust why` and `esign whoami` take it |
| trust/ | the country's root; intermediates/ helps to find paths and is not trusted |
| crl/ | the lists of revoked certificates; without them the verdict is "not proven" |

Answers end with the lists: after a week they are too old, and `esign verify` says so. Run
`make demo` again for fresh ones, or judge as of the day of signing with `--at`.
"""


def play(folder: Path) -> ek.VerificationReport:
    """Do the whole job, talk about it, leave the files in ``folder``; return the report."""
    folder.mkdir(parents=True, exist_ok=True)
    pki = FixturePKI("kz", at=datetime.now(UTC).replace(microsecond=0), key="rsa")
    citizen = pki.person(_CITIZEN)
    director = pki.employee(
        _DIRECTOR,
        _COMPANY,
        role="head",
        surname="Сейітов",
        given_name="Арман",
        organisation_name="«Тау Құрылыс» ЖШС",
    )
    profile = pki.profile

    _step("A fixture country: a root, an issuing authority, a citizen, a company's director")
    application = {
        "application": "unemployment benefit",
        "applicant": {"iin": _CITIZEN},
        "last_employer": {"bin": _COMPANY},
        "employed_until": "2026-10-31",
    }
    payload = (json.dumps(application, indent=2) + "\n").encode()
    (folder / "application.json").write_bytes(payload)

    _step("The citizen signs the application, the director co-signs")
    document = ek.Document(payload, name="application.json", media_type="application/json")
    signed = ek.sign(document, citizen.key, format="cades", packaging="attached")
    signed = ek.sign(document, director.key, format="cades", packaging="attached", existing=signed)
    (folder / "application.p7m").write_bytes(signed)
    _as_xml(folder, pki, citizen.key, director.key)

    _step("Verified against the country's root, with its lists of revoked certificates")
    report = ek.verify(signed, profile=profile, evidence=pki.evidence(), at=pki.now)
    _show(report, "application.p7m", profile)
    (folder / "report.json").write_text(
        json.dumps(report.to_dict(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )

    _step("Who signed, for whom, with what right, how surely")
    company = ek.Identifier.parse(f"KZ/BIN/{_COMPANY}")
    for signature in report.signatures:
        _introduce(ek.identify(signature, profile=profile), company)

    _step("One letter changed: 2026-10-31 becomes 2026-10-30")
    altered = signed.replace(b"2026-10-31", b"2026-10-30")
    (folder / "altered.p7m").write_bytes(altered)
    broken = ek.verify(altered, profile=profile, evidence=pki.evidence(), at=pki.now)
    for signature in broken.signatures:
        click.echo(f"  {signature.id}: {signature.indication}, {signature.sub_indication}")

    _leave(folder, pki, citizen, director)
    click.echo(f"\nThe files are in {folder}/ ; {folder}/README.md says what to try.")
    return report


def _as_xml(folder: Path, pki: FixturePKI, first: ek.SigningKey, second: ek.SigningKey) -> None:
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<application xmlns="urn:example:labour">\n'
        f"  <applicant>{_CITIZEN}</applicant>\n"
        f"  <employer>{_COMPANY}</employer>\n"
        "</application>\n"
    ).encode()
    once = ek.sign(ek.Document(xml), first, format="xades", packaging="enveloped")
    twice = ek.sign(ek.Document(xml), second, format="xades", packaging="enveloped", existing=once)
    (folder / "application.xml").write_bytes(twice)


def _show(report: ek.VerificationReport, name: str, profile: Profile) -> None:
    from esign_kit.cli.render import render_report

    render_report(report, name, profile)


def _introduce(principal: Principal, company: ek.Identifier) -> None:
    person = principal.person
    name = person.name.raw if person is not None and person.name is not None else "?"
    click.echo(f"  {printable(name)}, {principal.identifier}")
    mandate = principal.acting_for
    if mandate is None:
        click.echo("      acts for   themselves")
    else:
        click.echo(f"      acts for   {mandate.grantor}, as {mandate.title or mandate.role}")
    parts = principal.assurance.to_dict()
    said = ", ".join(f"{key} {parts[key]}" for key in ("identity", "authentication", "signature"))
    click.echo(f"      how surely {principal.assurance.overall} ({said})")
    decision = principal.may(_RIGHT, on_behalf_of=company)
    word = click.style("yes", fg="green") if decision.granted else click.style("no", fg="red")
    why = "; ".join(decision.reasons)
    click.echo(f"      may sign for {company}: {word} ({printable(why)})")


def _leave(folder: Path, pki: FixturePKI, *holders: object) -> None:
    for name, holder in zip(("citizen", "director"), holders, strict=True):
        holder.export_p12(folder / f"{name}.p12", _PASSWORD)  # type: ignore[attr-defined]
    (folder / "citizen.cer").write_bytes(holders[0].certificate_der)  # type: ignore[attr-defined]
    (folder / "password").write_text(_PASSWORD + "\n", encoding="ascii")
    pki.export_trust(folder / "trust")
    crls = folder / "crl"
    crls.mkdir(exist_ok=True)
    for number, crl in enumerate(pki.evidence()):
        (crls / f"{number}.crl").write_bytes(crl)
    (folder / "README.md").write_text(_README, encoding="utf-8")


def _step(text: str) -> None:
    click.echo("\n" + click.style("▸ " + text, bold=True))


def main() -> int:
    """Run the demo into the folder named on the command line (``demo`` by default)."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    try:
        report = play(folder)
    except OSError as error:
        click.echo(f"demo: cannot write into {folder}: {error.strerror}", err=True)
        return 5
    return 0 if report.indication is ek.Indication.TOTAL_PASSED else 1


if __name__ == "__main__":
    sys.exit(main())
