"""Imports point one way: serving -> t2i_tf <- pipelines."""

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("t2i_tf", "pipelines", "serving")
SERVING_FILES_WITH_MODELS = {"serving.export.export", "serving.commands"}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path for package in PACKAGES for path in (ROOT / package).rglob("*.py")
}


def imported(node):
    """Names that one statement imports, a module or something in a module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute here"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def imports(name, statements=ast.walk):
    tree = ast.parse(MODULES[name].read_text())
    return {target for node in statements(tree) for target in imported(node)}


def packages(name):
    return {target.partition(".")[0] for target in imports(name)}


def module_of(target):
    """The project's module that an imported name is or lies in, if it is the project's."""
    parent = target.rpartition(".")[0]
    return next((name for name in (target, parent) if name in MODULES), None)


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_one_way(name):
    package = name.partition(".")[0]
    allowed = {"t2i_tf": set(), "pipelines": {"t2i_tf"}, "serving": set()}[package]
    if name in SERVING_FILES_WITH_MODELS or name.startswith("serving.export.choose_module"):
        allowed = {"t2i_tf"}
    assert packages(name) & set(PACKAGES) <= allowed | {package}


def test_no_module_imports_itself_in_a_circle():
    graph = {
        name: {module_of(target) for target in imports(name, ast.iter_child_nodes)} - {None, name}
        for name in MODULES
    }
    TopologicalSorter(graph).prepare()  # raises CycleError and names the circle


@pytest.mark.parametrize("name", ["t2i_tf.config", "t2i_tf.presets", "t2i_tf.errors"])
def test_configs_need_the_standard_library_only(name):
    assert packages(name) <= sys.stdlib_module_names | {"t2i_tf"}
    ours = {module_of(target) for target in imports(name)} - {None}
    assert ours <= {"t2i_tf.config", "t2i_tf.presets", "t2i_tf.errors"}


def test_no_drawer_for_odds_and_ends():
    assert not [name for name in MODULES if name.endswith(("utils", "helpers", "common"))]
