"""Containers: a ZIP with a manifest that is signed. Read so far: the Kazakh NCAManifest."""
