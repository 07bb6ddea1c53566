"""Evidence bundles: all that a verdict rests on in one file, to be judged again in twenty years.

A bundle is a ZIP file with a manifest: the signed file and its documents, the anchors, helpers and
revocation evidence that were used, the question (policy and time), and the answer (report and
principals). :func:`verify` asks the same question of the same octets again, offline, and compares.
"""

from __future__ import annotations

from esign_kit.bundle.make import make
from esign_kit.bundle.model import Attachment, BundleReport
from esign_kit.bundle.verify import verify

__all__ = ["Attachment", "BundleReport", "make", "verify"]
