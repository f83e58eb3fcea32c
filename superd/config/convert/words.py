"""Reading ``WrittenService`` fields that may be absent."""

from superd.config.written import Word, Words, WrittenService


def value(word: Word | None) -> str:
    """The value of a word, empty when it was not written."""
    return word.value if word is not None else ""


def values(words: Words | None) -> list[str]:
    """The values of words, none when they were not written."""
    return [word.value for word in words or ()]


def flag(service: WrittenService, name: str) -> bool:
    """Tell whether a flag is set; xinetd compares without case."""
    return any(word.upper() == name.upper() for word in values(service.flags))
