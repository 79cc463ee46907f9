"""Somebody who has no mouse: goes from one thing to the next by Tab, sees where they are, and presses."""

from playwright.sync_api import Locator, Page

_MOST = 150
_FOCUS = """() => {
    const found = document.activeElement;
    if (!found || found === document.body) return null;
    const box = found.getBoundingClientRect(), style = getComputedStyle(found);
    const over = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height / 2, 12));
    const covered = !(over === found || found.contains(over) || over?.contains(found));
    return {
        name: (found.innerText || found.id || found.name || '').trim().split('\\n')[0],
        width: box.width, height: box.height, inline: style.display === 'inline',
        shown: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
        hidden: box.bottom <= 0 || box.top >= innerHeight || covered,
    };
}"""


def walk(page: Page) -> list[str]:
    """Go through the whole page by Tab. Returns the names of what has the focus in turn.

    Fails on a stop whose focus is not seen (WCAG 2.4.7, 2.4.11), or that is smaller than 24 px each way, links within a
    sentence apart (2.5.8).
    """
    names: list[str] = []
    page.evaluate("() => { document.activeElement?.blur(); scrollTo(0, 0); }")
    for _ in range(_MOST):
        page.keyboard.press("Tab")
        stop = page.evaluate(_FOCUS)
        if stop is None:
            break
        assert stop["shown"] and not stop["hidden"], f"the focus on {stop['name']!r} is not seen: {stop}"
        assert stop["inline"] or min(stop["width"], stop["height"]) >= 24, f"{stop['name']!r} is too small: {stop}"
        names.append(stop["name"])
    return names


def press(page: Page, target: Locator, key: str = "Enter") -> None:
    """Reach something by Tab, then press a key on it; Enter waits for the page that it leads to."""
    for _ in range(_MOST):
        if target.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    else:
        raise AssertionError(f"The keyboard does not reach {target}.")
    if key != "Enter":
        return page.keyboard.press(key)
    with page.expect_navigation():
        page.keyboard.press(key)
