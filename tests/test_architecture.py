"""Imports point one way, a folder holds at most a dozen files, and a name means one thing."""

import ast
import functools
import re
import sys
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("t2i_tf", "pipelines", "serving")
ALLOWED = {"t2i_tf": set(), "pipelines": {"t2i_tf"}, "serving": set()}
SERVING_WITH_MODELS = ("serving.commands", "serving.export.")  # prefixes of module names
MOST_MODULES = 12  # in a folder, besides `__init__`

# Modules that share a name because one mirrors the other.
MIRRORS = {
    "pipelines": {"generate", "prepare", "report"},  # benchmarks of two commands; two reports
    "serving": {"messages"},  # of the requests, and of the server's configuration
    "t2i_tf": {"losses"},  # of likelihood models, and of GANs
}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path for package in PACKAGES for path in (ROOT / package).rglob("*.py")
}
FOLDERS = sorted({path.parent for path in MODULES.values()})


def imported(node):
    """Names that one statement imports: modules, or names in modules."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute here"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


@functools.cache
def imports(name):
    """All names that a module imports, at its top or inside a function."""
    tree = ast.parse(MODULES[name].read_text())
    return {target for node in ast.walk(tree) for target in imported(node)}


def module_of(target):
    """The module of this project that an imported name is, or is defined in; else None."""
    parent = target.rpartition(".")[0]
    return next((name for name in (target, parent) if name in MODULES), None)


@functools.cache  # not at import, which every process that shares the tests pays for
def edges():
    """The modules of this project that each of its modules imports."""
    return {
        name: {module_of(target) for target in imports(name)} - {None, name} for name in MODULES
    }


def packages(name):
    return {target.partition(".")[0] for target in imports(name)}


def child_of(folder, name):
    """The file or subfolder of a folder that a module belongs to; None outside the folder."""
    path = MODULES[name].relative_to(ROOT)
    inside = folder.relative_to(ROOT)
    if inside != path.parent and inside not in path.parents:
        return None
    return path.parts[len(inside.parts)]


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_one_way(name):
    package = name.partition(".")[0]
    allowed = {"t2i_tf"} if name.startswith(SERVING_WITH_MODELS) else ALLOWED[package]
    assert packages(name) & set(PACKAGES) <= allowed | {package}


def test_no_circular_imports():
    TopologicalSorter(edges()).prepare()  # raises CycleError and names the circle


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_no_circle_among_the_files_and_folders_of_a_folder(folder):
    graph = {}
    for name, targets in edges().items():
        child = child_of(folder, name)
        if child is None:
            continue
        children = {child_of(folder, target) for target in targets}
        graph.setdefault(child, set()).update(children - {None, child, "__init__.py"})
    graph.pop("__init__.py", None)  # it imports what the folder exports
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("package", ["pipelines", "serving"])
def test_only_the_commands_import_their_options(package):
    """Functions take plain arguments; only the command line depends on its flags."""
    options = f"{package}.options"
    users = {name for name, targets in edges().items() if options in targets}
    assert users <= {f"{package}.cli", f"{package}.commands"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_a_folder_holds_a_dozen_modules_at_most(folder):
    modules = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MOST_MODULES, modules


@pytest.mark.parametrize("package", PACKAGES)
def test_module_names_are_unique(package):
    stems = Counter(
        path.stem
        for name, path in MODULES.items()
        if name.partition(".")[0] == package and not path.stem.startswith("__")
    )
    assert {stem for stem, count in stems.items() if count > 1} == MIRRORS[package]


@pytest.mark.parametrize("name", ["t2i_tf.config", "t2i_tf.presets", "t2i_tf.errors"])
def test_configs_need_the_standard_library_only(name):
    assert packages(name) <= sys.stdlib_module_names | {"t2i_tf"}
    assert edges()[name] <= {"t2i_tf.config", "t2i_tf.presets", "t2i_tf.errors"}


def test_no_module_for_odds_and_ends():
    assert not [name for name in MODULES if name.endswith(("utils", "helpers", "common"))]


def test_tests_mirror_the_code():
    """The folders of the tests are those of the code."""
    mirrored = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    inside = {path.relative_to(ROOT / "tests") for path in mirrored}
    code = {folder.relative_to(ROOT) for folder in FOLDERS}
    assert inside - code - {Path("."), Path("conformance"), Path("formats")} == set()


def test_layers_of_pictures_say_their_layout():
    """Else it is that of the user's Keras, by keras.json or `set_image_data_format`."""
    calls = [
        (name, call)
        for name, path in MODULES.items()
        if "keras.layers." in path.read_text()
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and re.search(r"^keras\.layers\..*\dD", ast.unparse(call.func))
    ]
    silent = [
        f"{name}:{call.lineno}" for name, call in calls if "channels_last" not in ast.unparse(call)
    ]
    assert calls and not silent
