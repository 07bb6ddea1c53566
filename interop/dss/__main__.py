"""``python -m interop.dss``: EU DSS validates what we sign, and we verify what EU DSS signs.

Needs ``mvn`` and Java 17; the first run downloads the artifacts. Prints one line per file and the
simple report of EU DSS as JSON with ``--json OUT``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import esign_kit as ek
from esign_kit.testing import FixturePKI

HERE = Path(__file__).resolve().parent
TEXT = b"unemployment benefit, application 17\n"
XML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Заявление xmlns="urn:example:labour" Id="doc">'
    "<имя>Иванов</имя><amount>1200</amount></Заявление>\n"
).encode()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m interop.dss", description=__doc__)
    parser.add_argument("--json", help="write the simple reports of EU DSS to this file")
    parser.add_argument("--keep", type=Path, help="leave the files in this folder")
    options = parser.parse_args()
    if shutil.which("mvn") is None or shutil.which("java") is None:
        sys.stderr.write("mvn and java are needed for EU DSS (Debian: maven openjdk-17-jdk)\n")
        return 2
    build = subprocess.run(["mvn", "-q", "-B", "package"], cwd=HERE, check=False)
    if build.returncode != 0:
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep or Path(name)
        reports, wrong = [], 0
        for kind in ("rsa", "ec"):
            found, bad = _one(folder / kind, kind)
            reports += found
            wrong += bad
    if options.json:
        Path(options.json).write_text(json.dumps(reports, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(reports) - wrong} passed, {wrong} failed\n")
    return 1 if wrong else 0


def _one(folder: Path, kind: str) -> tuple[list[dict[str, Any]], int]:
    pki = FixturePKI("xx", at=datetime.now(UTC).replace(microsecond=0), key=kind)
    person, colleague = pki.person(), pki.person()
    for name in ("cases", "trust", "evidence"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "trust" / "root.crt").write_bytes(pki.root.certificate.der)
    for number, crl in enumerate(pki.evidence()):
        (folder / "evidence" / f"{number}.crl").write_bytes(crl)
    for name, (signed, detached) in _ours(person, colleague).items():
        (folder / "cases" / name).write_bytes(signed)
        if detached is not None:
            beside = folder / "cases" / f"{name}.detached"
            beside.mkdir(exist_ok=True)
            (beside / (detached.name or "document")).write_bytes(detached.octets())
    reports, wrong = json.loads(_java("validate", folder)), 0
    for report in reports:
        signatures = report.get("signatures", [])
        good = bool(signatures) and all(
            s["indication"] == "TOTAL_PASSED" and s["valid"] for s in signatures
        )
        wrong += not good
        said = ", ".join(
            f"{s['indication']} {s['sub_indication'] or ''} {s['level']} {'; '.join(s['errors'])}"
            for s in signatures
        )
        mark = "✓" if good else "✗"
        out = (
            f"{mark} EU DSS on ours   {kind:4} {report['file']:34} {said or report.get('error')}\n"
        )
        sys.stdout.write(out)
        report["signer"], report["key"] = "esign_kit", kind
    theirs = _theirs(folder, pki, person)
    for row in theirs:
        wrong += not row["good"]
        mark = "✓" if row["good"] else "✗"
        sys.stdout.write(f"{mark} ours on EU DSS   {kind:4} {row['file']:34} {row['said']}\n")
    return [*reports, *theirs], wrong


def _ours(person: Any, colleague: Any) -> dict[str, tuple[bytes, ek.Document | None]]:
    text = ek.Document(TEXT, name="document.txt", media_type="text/plain")
    xml = ek.Document(XML, name="document.xml", media_type="text/xml")
    made: dict[str, tuple[bytes, ek.Document | None]] = {}
    for packaging in ("attached", "detached"):
        one = person.sign(text, format="cades", packaging=packaging)
        beside = text if packaging == "detached" else None
        made[f"cades-{packaging}.p7m"] = one, beside
        two = colleague.sign(text, format="cades", packaging=packaging, existing=one)
        made[f"cades-{packaging}-two.p7m"] = two, beside
    for packaging in ("enveloped", "enveloping", "internally-detached"):
        one = person.sign(xml, format="xades", packaging=packaging)
        made[f"xades-{packaging}.xml"] = one, None
    one = made["xades-enveloped.xml"][0]
    two = colleague.sign(xml, format="xades", packaging="enveloped", existing=one)
    made["xades-enveloped-two.xml"] = two, None
    made["xades-detached.xml"] = person.sign(text, format="xades", packaging="detached"), text
    return made


def _theirs(folder: Path, pki: FixturePKI, person: Any) -> list[dict[str, Any]]:
    (folder / "document.txt").write_bytes(TEXT)
    (folder / "document.xml").write_bytes(XML)
    (folder / "password").write_text("secret\n", encoding="ascii")
    person.export_p12(folder / "key.p12", "secret")
    _java("sign", folder)
    rows = []
    for file in sorted((folder / "signed").iterdir()):
        detached = [ek.Document(TEXT, name="document.txt")] if "detached" in file.name else []
        if "internally" in file.name:
            detached = []
        report = ek.verify(
            file.read_bytes(), detached=detached, trust=pki.trust, evidence=pki.evidence()
        )
        said = f"{report.indication} {report.sub_indication or ''} {report.signatures[0].level}"
        worst = next((c for c in report.checks if c.status in ("FAILED", "INDETERMINATE")), None)
        if worst is not None and report.indication != "TOTAL_PASSED":
            said += f" {worst.name}: {worst.detail}"
        good = report.indication is ek.Indication.TOTAL_PASSED
        rows.append({"file": file.name, "said": said, "good": good, "signer": "EU DSS"})
    return rows


def _java(verb: str, folder: Path) -> str:
    path = f"{HERE / 'target' / 'classes'}:{HERE / 'target' / 'lib'}/*"
    command = ["java", "-cp", path, "org.esignkit.interop.Main", verb, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
