"""Where the words of a search come from, and how far they were read."""

from enum import StrEnum


class SearchSource(StrEnum):
    """What a result is."""

    DOCUMENT = "document"
    ENTRY = "entry"


class TextState(StrEnum):
    """How far the text of a document was read. Its title and author always are.

    Waiting: a task is to read it. Cut: its beginning only. Wordless: it holds images. Unread: it does not open.
    """

    WAITING = "waiting"
    WHOLE = "whole"
    CUT = "cut"
    WORDLESS = "wordless"
    UNREAD = "unread"
