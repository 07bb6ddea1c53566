"""``python -m esign_kit.cli`` is ``esign``."""

from __future__ import annotations

from esign_kit.cli import main

if __name__ == "__main__":
    main()
