"""Mutate the core, let its unit tests judge: `python reference/tests/mutation/run.py [core/log.py …]`, all by default.

mutmut makes the mutants and runs them. Who survives has to stand in `survivors.yaml` with a class and a reason, and who
stands there has to survive. A mutant whose tests never end is as good as killed. Constants of modules are not mutated.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[2]
_SURVIVORS = _HERE / "survivors.yaml"

_CORE = (
    "records record_text encodings json_text partitioner many_keys plain_records batch segment log results".split()  # noqa: SIM905
)
_CLEANING = ["retention", "compaction"]
_GROUPS = ["partitions", "ranges", "uniform", "levelling", "assignors"]
_ENGINES = ["routing", "appending", "filling"]
_TARGETS = [
    *(f"core/{name}.py" for name in (*_CORE, *_CLEANING)),
    *(f"core/groups/{name}.py" for name in _GROUPS),
    *(f"engines/{name}.py" for name in _ENGINES),
]
_TESTS = [*_CORE, *_CLEANING, *_GROUPS, *_ENGINES, "appending_once", "memory_engine", "auto_create", "waiting"]
_PROCESSES = 2

_PROPERTY = re.compile(r"^    @property\n    def (\w+)\(self\)", re.MULTILINE)
_CACHE = re.compile(r"^@functools\.lru_cache\(.*\)\n", re.MULTILINE)
_DEAD = ("killed", "timeout")


class Mutant(NamedTuple):
    """A mutant that the tests did not kill: where it is, and its lines before and after."""

    place: str
    line: str
    became: str


def main(modules: Sequence[str]) -> int:
    """Run the mutants of these modules; return 0 if every survivor is classified and every classified one survives."""
    targets = modules or _TARGETS
    with tempfile.TemporaryDirectory() as folder:
        workshop = Path(folder)
        _furnish(workshop, targets)
        print(f"mutants of {len(targets)} modules; all of them take about ten minutes", flush=True)
        log = workshop / "log"
        with log.open("wb") as output:
            ended = subprocess.run(
                _mutmut("run", "--max-children", str(_PROCESSES)),
                cwd=workshop,
                stdout=output,
                stderr=output,
                check=False,
            )
        states = _states(workshop)
        if ended.returncode or not states or "not checked" in states.values():
            print(log.read_text("utf-8", errors="replace")[-5_000:])
            return 2
        survivors = [_mutant(workshop, name) for name, state in states.items() if state not in _DEAD]
        unsure = {_mutant(workshop, name) for name, state in states.items() if state == "timeout"}
    counts = Counter(states.values())
    print(f"{len(states)} mutants: " + ", ".join(f"{number} {state}" for state, number in counts.most_common()))
    return _judge(survivors, unsure, targets)


def _furnish(workshop: Path, targets: Sequence[str]) -> None:
    """Copy the library and its tests to where mutmut expects them, and tell it what to do."""
    library = workshop / "src" / "kafka_do"
    shutil.copytree(_ROOT / "reference" / "kafka_do", library, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("spec", "fixtures"):
        shutil.copytree(_ROOT / folder, workshop / folder)
    shutil.copy(_HERE / "few_examples.py", workshop / "src")
    shutil.copy(_ROOT / "pyproject.toml", workshop)
    (workshop / "tests").mkdir()
    for name in _TESTS:
        test = _ROOT / "reference" / "tests" / f"test_{name}.py"
        if test.exists():
            shutil.copy(test, workshop / "tests")
    for target in targets:
        file = library / target
        file.write_text(_without_decorators(file.read_text("utf-8")), "utf-8")
    options = {
        "source_paths": ["src"],
        "only_mutate": [f"src/kafka_do/{target}" for target in targets],
        "also_copy": ["spec", "fixtures"],
        "pytest_add_cli_args": ["-p", "few_examples", "-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": ["tests"],
    }
    lines = ["[mutmut]", *(f"{name} =\n  " + "\n  ".join(values) for name, values in options.items())]
    (workshop / "setup.cfg").write_text("\n".join(lines) + "\n", "utf-8")


def _without_decorators(source: str) -> str:
    """Return code in which properties and cached functions are plain functions: mutmut passes decorated ones over."""
    source = _PROPERTY.sub(r"    \1 = property(lambda self: self._get_\1())\n    def _get_\1(self)", source)
    return _CACHE.sub("", source)


def _mutmut(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mutmut", *arguments]


def _output(workshop: Path, *arguments: str) -> str:
    return subprocess.run(_mutmut(*arguments), cwd=workshop, capture_output=True, text=True, check=True).stdout


def _states(workshop: Path) -> dict[str, str]:
    """Return what became of each mutant by its name."""
    lines = _output(workshop, "results", "--all", "true").splitlines()
    return {name.strip(): state.strip() for name, _, state in (line.rpartition(": ") for line in lines)}


@functools.cache
def _mutant(workshop: Path, name: str) -> Mutant:
    """Return what a mutant changes; its name in mutmut counts and is another one after any change of its function."""
    module, _, function = name.partition("__mutmut_")[0].removeprefix("kafka_do.").rpartition(".")
    function = function.removeprefix("xǁ" if "ǁ" in function else "x_")
    function = function.replace("ǁ_get_", "ǁ").replace("ǁ", ".")
    changed = [line for line in _output(workshop, "show", name).splitlines() if re.match(r"[-+](?![-+]{2} )", line)]
    line, became = (" ".join(one[1:].strip() for one in changed if one[0] == sign) for sign in "-+")
    return Mutant(f"{module.replace('.', '/')}.py {function}", line, became)


def _judge(survivors: Sequence[Mutant], unsure: set[Mutant], targets: Sequence[str]) -> int:
    """Compare survivors with those that are classified; print and count."""
    classified = yaml.safe_load(_SURVIVORS.read_text("utf-8"))
    classes = classified["classes"]
    known = {mutant: kind for mutant, kind in _listed(classified) if mutant.place.split()[0] in targets}
    kinds = {mutant: known.get(mutant) or _by_rule(mutant, classified["rules"]) for mutant in survivors}
    counts = Counter(kinds[mutant] for mutant in survivors)
    for kind, meaning in classes.items():
        print(f"{counts[kind]:4} survive: {kind}, {meaning}")
    faults = [f"not classified: {mutant}" for mutant, kind in kinds.items() if kind is None]
    faults += [f"no such class: {kind}" for kind in {*known.values(), *kinds.values()} - {None} if kind not in classes]
    faults += [f"classified and does not survive: {one}" for one in known if one not in kinds and one not in unsure]
    for fault in faults:
        print(fault)
    print(f"{len(faults)} faults in {_SURVIVORS.name}" if faults else "every survivor is classified")
    return 1 if faults else 0


def _listed(classified: Any) -> Iterator[tuple[Mutant, str]]:
    for entry in classified["survivors"]:
        for became in entry["became"]:
            yield Mutant(entry["in"], entry["line"], became), entry["class"]


def _by_rule(mutant: Mutant, rules: Sequence[dict[str, str]]) -> str | None:
    """Return the class of the rule whose pattern covers all that the mutant changes."""
    for rule in rules:
        if re.sub(rule["but_for"], "", mutant.line) == re.sub(rule["but_for"], "", mutant.became):
            return rule["class"]
    return None


if __name__ == "__main__":
    os.environ.pop("PYTEST_ADDOPTS", None)
    sys.exit(main(sys.argv[1:]))
