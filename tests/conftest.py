"""Shared by all suites: a clean environment, and fixtures of `support.gateway`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

# The SDKs read credentials, base URLs and proxies from the environment; tests hand over everything themselves.
for name in list(os.environ):
    if name.startswith(("ANTHROPIC_", "OPENAI_", "CLAUDE_")) or name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
        del os.environ[name]
