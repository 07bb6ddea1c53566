"""The whole flow against somebody else's server of version 1.0.4, over a real socket."""

from __future__ import annotations

import asyncio
import os
import threading
import warnings

import pytest

import esign_kit as ek
from esign_kit.keys.csc import Csc, HttpTransport
from esign_kit.net import Guard
from esign_kit.testing import FixturePKI
from esign_kit.testing.export import pem

try:
    from aiohttp import web
    from certomancer import registry
    from csc_dummy.csc_dummy_server import CSCWithCertomancer, DummyServiceParams
except ImportError:
    if os.environ.get("CI") == "true":
        raise
    pytest.skip("certomancer-csc-dummy is not installed", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

NAMES = {"root": "rsa", "signer-rsa": "rsa", "signer-ec": "ec"}
_VALIDITY = {"valid-from": "2026-01-01T00:00:00+0000", "valid-to": "2036-01-01T00:00:00+0000"}


def _configuration(folder) -> registry.CertomancerConfig:
    pki = FixturePKI()
    keys = {}
    for name, kind in NAMES.items():
        path = folder / f"{name}.pem"
        path.write_bytes(pem(pki.person(key=kind).private_key.pkcs8, "PRIVATE KEY"))
        keys[name] = {"path": path.name}
    usage = {"id": "key_usage", "critical": True}
    return registry.CertomancerConfig(
        {
            "keysets": {"k": {"path-prefix": ".", "keys": keys}},
            "pki-architectures": {
                "arch": {
                    "keyset": "k",
                    "entity-defaults": {"country-name": "XX", "organization-name": "Peers"},
                    "entities": {name: {"common-name": name} for name in NAMES},
                    "certs": {
                        "root": {
                            "subject": "root",
                            "issuer": "root",
                            "validity": _VALIDITY,
                            "profiles": ["simple-ca"],
                        },
                        **{
                            name: {
                                "issuer": "root",
                                "validity": _VALIDITY,
                                "extensions": [
                                    {
                                        **usage,
                                        "smart-value": {
                                            "schema": "key-usage",
                                            "params": ["digital_signature", "non_repudiation"],
                                        },
                                    }
                                ],
                            }
                            for name in NAMES
                            if name != "root"
                        },
                    },
                }
            },
        },
        key_search_dir=str(folder),
        config_search_dir=str(folder),
    )


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory):
    """The peer's application on a free port, in a thread with a loop of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = CSCWithCertomancer(
            _configuration(tmp_path_factory.mktemp("peer")),
            service_params=DummyServiceParams(hash_pinning_required=True, multisign=3),
        )
        peer.register_routes()
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(peer.app)
    loop.run_until_complete(runner.setup())
    site = web.TCPSite(runner, "127.0.0.1", 0)
    loop.run_until_complete(site.start())
    port = runner.addresses[0][1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield f"http://127.0.0.1:{port}/csc/v1"
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def store(service: str):
    transport = HttpTransport(guard=Guard.of(hosts=["127.0.0.1"]))
    with Csc.open(service, transport=transport) as opened:
        yield opened


def test_what_there_is(store: Csc) -> None:
    assert store.client.version == 1
    assert {entry.name for entry in store.entries} == {f"arch/{name}" for name in NAMES}


@pytest.mark.parametrize("name", ["signer-rsa", "signer-ec"])
def test_signing(store: Csc, name: str) -> None:
    (key,) = [entry.key for entry in store.entries if entry.name == f"arch/{name}"]
    assert key is not None and key.purpose is ek.Purpose.SIGNING
    (root,) = [view for view in store.certificates if view.self_issued][:1]
    for algorithm in key.algorithms:
        if algorithm.digest not in ("SHA256", "SHA384", "SHA512"):
            continue
        for format, packaging in (("cades", "detached"), ("xades", "enveloped")):
            document = ek.Document(b"<application/>", name="a.xml")
            signed = ek.sign(
                document, key, format=format, packaging=packaging, algorithm=algorithm.name
            )
            report = ek.verify(
                signed,
                detached=[document] if packaging == "detached" else [],
                trust=ek.TrustStore([ek.TrustAnchor(root)]),
                policy=ek.ValidationPolicy().with_(revocation=ek.Revocation.NOT_CHECKED),
            )
            checks = {check.name: str(check.status) for check in report.only.checks}
            assert checks["signature-value"] == checks["reference-digest"] == "PASSED"
            assert str(report.indication) == "TOTAL_PASSED", report.to_dict()


def test_batch_of_more_than_one_authorisation_allows(store: Csc) -> None:
    (key,) = [entry.key for entry in store.entries if entry.name == "arch/signer-ec"]
    values = key._private.sign_all([b"1", b"2", b"3", b"4"], key.algorithms[0])
    assert len(values) == 4


def test_another_hash_than_authorised_is_refused(store: Csc) -> None:
    credential = store.client.credential("arch/signer-ec")
    oid = "2.16.840.1.101.3.4.2.1"
    granted = store.client.authorize(credential, [b"1" * 32], digest_oid=oid)
    with pytest.raises(ek.KeyStoreError) as caught:
        store.client.sign_hashes(
            credential,
            granted,
            [b"2" * 32],
            digest_oid=oid,
            algorithm_oid="1.2.840.10045.4.3.2",
        )
    assert caught.value.code == "csc.refused"
