"""What to fix first: one defect often fails many cases, and then they begin to differ in the same way."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from kafka_do_conformance.citation import cite
from kafka_do_conformance.verdict import Mismatch, Result

__all__ = ["Finding", "by_chapter", "findings", "first_mismatch"]

_ITEM = re.compile(r"\[[0-9]+\]")
_WORD = re.compile(r"\w+")
_FRESH_NAME = re.compile(r"conformance-[0-9a-f]{32}")


@dataclass(frozen=True)
class Finding:
    """What several failed cases saw first: `member` of a response or a report was `seen`, not as `allowed`."""

    role: str
    member: str
    allowed: str
    seen: str
    results: tuple[Result, ...]

    @property
    def begin(self) -> Result:
        """The case to begin with: its requirements speak of the member and its value; and it is a short one."""
        return min(self.results, key=lambda one: (-self._nearness(one), len(one.exchanges), len(one.mismatches)))

    def _nearness(self, result: Result) -> int:
        said = [set(_WORD.findall(cite(ident).text)) for ident in result.requirements]
        return max(len({self.member, self.allowed} & words) for words in said)


def findings(failed: Sequence[Result]) -> list[Finding]:
    """Return what was seen first, shared by most cases first; each failed case is in one of them."""
    alike: defaultdict[tuple[str, str, str, str], list[Result]] = defaultdict(list)
    for result in failed:
        first = first_mismatch(result)
        member = _ITEM.sub("", first.place).rpartition(".")[2]
        alike[result.role, member, _nameless(first.allowed), _nameless(first.seen)].append(result)
    found = [Finding(*key, tuple(results)) for key, results in alike.items()]
    return sorted(found, key=lambda finding: -len(finding.results))


def by_chapter(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Return results by the chapter of the first requirement they cite, the chapter with most of them first."""
    chapters: defaultdict[str, list[Result]] = defaultdict(list)
    for result in results:
        chapters[cite(result.requirements[0]).chapter].append(result)
    return dict(sorted(chapters.items(), key=lambda item: -len(item[1])))


def first_mismatch(result: Result) -> Mismatch:
    """Return where a result first differs from what is allowed; a case that could not be judged tells its last line."""
    if result.mismatches:
        return result.mismatches[0]
    return Mismatch(str(result.status), "a verdict", (result.detail.splitlines() or ["nothing"])[-1])


def _nameless(text: str) -> str:
    return _FRESH_NAME.sub("conformance-…", text)
