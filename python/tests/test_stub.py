"""The stub of the native module says what the module is."""

import ast
import inspect
from pathlib import Path

import pytest

from deepeyes import _native

STUB = ast.parse(Path(_native.__file__).with_name("_native.pyi").read_text(encoding="utf-8"))
Signature = list[tuple[str, inspect._ParameterKind, bool]]


def described(function: ast.FunctionDef) -> Signature:
    """Each parameter's name and kind, and whether it has a default, as the stub has them."""
    arguments = function.args
    kinds = inspect.Parameter
    plain = arguments.posonlyargs + arguments.args
    defaults = [False] * (len(plain) - len(arguments.defaults)) + [True] * len(arguments.defaults)
    found = [(a.arg, kinds.POSITIONAL_OR_KEYWORD, d) for a, d in zip(plain, defaults, strict=True)]
    keywords = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return found + [(a.arg, kinds.KEYWORD_ONLY, default is not None) for a, default in keywords]


def found(function: object) -> Signature:
    """The same of the runtime."""
    parameters = inspect.signature(function).parameters.values()  # pyright: ignore[reportArgumentType]
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [(p.name, kind if p.kind in positional else p.kind, p.default is not p.empty) for p in parameters]


def functions(body: list[ast.stmt]) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}


def classes() -> dict[str, ast.ClassDef]:
    return {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}


def test_the_stub_names_what_the_module_has() -> None:
    named = [node for node in STUB.body if isinstance(node, ast.AnnAssign)]
    constants = {ast.unparse(node.target) for node in named if ast.unparse(node.annotation) != "TypeAlias"}
    runtime = {name for name in dir(_native) if not name.startswith("__") or name == "__version__"}
    assert runtime == functions(STUB.body).keys() | classes().keys() | constants


@pytest.mark.parametrize("name", functions(STUB.body))
def test_functions_take_what_the_stub_says(name: str) -> None:
    assert found(getattr(_native, name)) == described(functions(STUB.body)[name])


@pytest.mark.parametrize("name", classes())
def test_classes_have_the_methods_of_the_stub(name: str) -> None:
    cls, methods = getattr(_native, name), functions(classes()[name].body)
    if issubclass(cls, Exception):
        assert cls.__bases__[0].__name__ == ast.unparse(classes()[name].bases[0])
        return
    assert {n for n in vars(cls) if not n.startswith("__")} == {n for n in methods if not n.startswith("__")}
    for method_name, method in methods.items():
        properties = [ast.unparse(decorator) for decorator in method.decorator_list]
        if "property" in properties:
            assert inspect.isgetsetdescriptor(vars(cls)[method_name])
        elif method_name == "__new__":
            assert found(cls) == described(method)[1:]
        else:
            assert found(vars(cls)[method_name]) == described(method)
