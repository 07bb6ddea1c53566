"""Every national file through ``esign whoami``: a verdict and a name, never an inner error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from tests.corpora import national

CASES = [
    # file, options, exit code, words that name the signer
    ("kz/cms/rsa_individual_attached.der", "--profile kz:test --at 2020-08-01", 0, "ТЕСТОВ ТЕСТ"),
    ("kz/cms/gost2004_ceo_attached.der", "--profile kz:test --at 2020-08-01", 0, "first head"),
    ("kz/cms/rsa_ceo_authkey_attached.der", "--profile kz:test --at 2020-08-01", 3, "first head"),
    ("kz/cms/gost2015_ceo_attached_tsp.der", "--profile kz:test --at 2026-08-20", 0, "BIN"),
    ("kz/cms/gost2015_individual_attached_tsp.der", "--profile kz:test --at 2026-08-20", 0, "IIN"),
    ("kz/cms/gost2015_individual_attached_tsp.der", "--profile kz --at 2026-08-20", 3, "IIN"),
    ("kz/cms/gost2004_prodca_hr_attached_tsp2018.pem", "--profile kz", 3, "human resources"),
    ("kz/cms/ncamanifest_container_with_tsp.zip", "--profile kz --at 2021-05-04", 0, "first head"),
    ("kz/cms/two_signers_gost2015_rsa_attached.der", "--profile kz:test", 3, "ТЕСТОВ ТЕСТ"),
    ("kz/xml/gost2004_ceo_enveloped.xml", "--profile kz:test --at 2020-08-01", 0, "first head"),
    ("kz/xml/rsa_individual_enveloped.xml", "--profile kz:test --at 2020-08-01", 0, "IIN"),
    ("kz/xml/rsa_ceo_authkey_enveloped.xml", "--profile kz:test --at 2020-08-01", 3, "BIN"),
    ("kz/xml/wsse_soap_rsa_BROKEN_whitespace.xml", "--profile kz:test", 1, "ТЕСТОВ ТЕСТ"),
    ("kz/certs/2026_gost2015_ceo.cer", "--profile kz:test --at 2026-08-20", 0, "first head"),
    ("uz/synthetic/attached_two_signers_ber.p7", "--profile uz --at 2026-06-01", 3, "PINFL"),
    ("uz/synthetic/bad_content.p7", "--profile uz --at 2026-06-01", 1, "PINFL"),
    ("uz/synthetic/bad_signature.p7", "--profile uz --at 2026-06-01", 1, "PINFL"),
    ("uz/certs/uz_ca_e-imzo_2018_2022.cer", "--profile uz --at 2020-06-01", 0, "YANGI"),
    ("vn/samples/viettel-ca-rs-org-sample.der", "--profile vn --at 2025-01-01", 0, "MST"),
    ("vn/samples/tax-notice-authority-signature.xml", "--profile vn --at 2025-01-04", 3, "Chi cục"),
    ("vn/negative/customs-enveloped-digest-mismatch.xml", "--profile vn", 1, "TCHQ"),
    ("vn/negative/lookalike-mic-root-2019.der", "--profile vn --at 2021-06-01", 3, "MIC"),
    ("mk/kibstrust-qualified-cs-2015-a.der", "--profile mk --at 2018-12-01", 3, "KIBS"),
]


@pytest.mark.parametrize(("name", "options", "code", "words"), CASES, ids=lambda v: str(v)[:60])
def test_whoami(name: str, options: str, code: int, words: str) -> None:
    from esign_kit.cli.whoami import command

    arguments = [str(national(*name.split("/"))), *options.split(), "--revocation", "not-checked"]
    plain = CliRunner().invoke(command, arguments, standalone_mode=False)
    assert plain.exception is None, plain.output
    assert plain.return_value == code, plain.output
    assert words in plain.output
    machine = CliRunner().invoke(command, [*arguments, "--json"], standalone_mode=False)
    found: dict[str, Any] = json.loads(machine.stdout)
    assert found["signers"]
    for signer in found["signers"]:
        assert ("principal" in signer) <= (signer["indication"] == "TOTAL_PASSED")


@pytest.mark.parametrize("name", ["kz", "uz", "mk", "vn", "az", "eidas"])
def test_what_is_not_supported_is_printed(name: str) -> None:
    import esign_kit as ek
    from esign_kit.cli.trust import show

    shown = CliRunner().invoke(show, ["--profile", name], standalone_mode=False)
    assert shown.exception is None, shown.output
    for line in ek.profile(name).unsupported:
        assert f"not supported: {line}" in shown.output
    machine = CliRunner().invoke(show, ["--profile", name, "--json"], standalone_mode=False)
    assert json.loads(machine.stdout)["unsupported"] == list(ek.profile(name).unsupported)
