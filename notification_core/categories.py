"""What notices are about: the topics by which a person chooses, and the kinds that each package puts under them."""

from enum import StrEnum


class Topic(StrEnum):
    """What is chosen as one. Every notice stands in the inbox; a topic says whether an e-mail announces it too."""

    SECURITY = "security"
    PERMISSIONS = "permissions"
    FIRST_ACCESS = "first-access"
    DEADLINES = "deadlines"
    DIGEST = "digest"
    UNUSED = "unused"
    OTHERS = "others"


OPTIONAL = tuple(topic for topic in Topic if topic is not Topic.SECURITY)
"""The topics that may be switched off: not security, or whoever takes over an account would silence its alarms."""

_topics: dict[str, Topic] = {}


def declare(topic: Topic, *kinds: str) -> None:
    """Put kinds of notices (`<package>.<event>`) under a topic, from the `wiring` of the package that sends them.

    Raises `ValueError` when a kind stands under another topic already.
    """
    for kind in kinds:
        if _topics.setdefault(kind, topic) is not topic:
            raise ValueError(f"The kind {kind} stands under {_topics[kind]} already.")


def topic_of(kind: str) -> Topic:
    """The topic of a kind; `OTHERS` for one that nobody declared."""
    return _topics.get(kind, Topic.OTHERS)
