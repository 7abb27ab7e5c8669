"""The pages of a site by its sitemaps, however they are nested."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from corpus_tuner.archive import Damaged
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.fetch import feeds, links
from corpus_tuner.fetch.client import Response
from corpus_tuner.fetch.line import one_line
from corpus_tuner.fetch.site import Visitor
from corpus_tuner.records import Reason, Reject

MOST = 1000  # sitemaps of one site


def pages_of(
    start: Iterable[tuple[str, Response | None]], visitor: Visitor, wanted: Callable[[str], bool] = lambda _: True
) -> Iterator[str | Reject]:
    """Each wanted page once that the sitemaps at `start` (with the answer, where there is one) list, and those that they
    name in turn, each asked for once; a Reject for each that cannot be read."""
    queue = deque(start)
    seen, asked = {url for url, _ in queue}, 0
    while queue:
        url, answer = queue.popleft()
        asked += 1
        if asked > MOST:
            yield Reject("fetch", url, Reason.LIMIT, f"more than {MOST} sitemaps")
            continue
        try:
            listed, further = feeds.sitemap(feeds.unpacked((answer or _ask(visitor, url)).body))
        except (CorpusTunerError, Damaged) as fault:
            yield Reject("fetch", url, Reason.UNREADABLE, f"sitemap: {one_line(fault)}")
            continue
        for found in listed:
            one = visitor.own_scheme(links.normal(found))
            if not one:
                yield Reject("fetch", one_line(found), Reason.UNSUPPORTED, f"the sitemap {one_line(url)} lists it, and it is no web address")
            elif one not in seen and wanted(one) and len(seen) < links.REMEMBERED:
                seen.add(one)
                yield one
        new = [one for one in dict.fromkeys(links.normal(found) for found in further) if one and one not in seen]
        new = new[: max(0, links.REMEMBERED - len(seen))]
        seen.update(new)
        queue.extend((one, None) for one in new)
    if len(seen) >= links.REMEMBERED:
        yield links.full(url)


def _ask(visitor: Visitor, url: str) -> Response:
    answer = visitor.get(url)
    if answer.status != 200:
        raise CorpusTunerError(f"{one_line(url)} answers {answer.status}")
    return answer
