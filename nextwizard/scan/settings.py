"""The user's settings as Django would see them: star imports, branches, mutations."""

from __future__ import annotations

import ast
import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from .evaluate import UNKNOWN, Evaluator, add
from .files import evidence
from .locate import located, required
from .place import Binding, Part, Place, mutate, place
from .source import truth


if TYPE_CHECKING:
    from collections.abc import Sequence

    from .codebase import Code
    from .source import Module


_TESTS = re.compile(r"(?<![a-z])(?:py)?test(?:s|ing)?(?![a-z])", re.IGNORECASE)


@dataclass(slots=True, eq=False)
class Reader:
    """Follows settings statement by statement, as an import would run them.

    `modules` lists the settings files in the order they began, `live` the statements
    that run.
    """

    code: Code
    bound: dict[str, Binding] = field(default_factory=dict)
    names: dict[str, object] = field(default_factory=dict)
    modules: list[Module] = field(default_factory=list)
    live: list[tuple[Module, ast.stmt]] = field(default_factory=list)
    read_before: dict[str, dict[str, Binding]] = field(default_factory=dict)

    def read(self, dotted: str, *, maybe: bool = False) -> None:
        """Take in a module; InputError when it cannot be read."""
        module = required(self.code, located(self.code, dotted))
        if module not in self.modules:
            self.modules.append(module)
            self.block(module, module.tree.body, maybe=maybe)

    def evaluator(self, module: Module) -> Evaluator:
        """Return an evaluator over what is bound so far."""
        file = place(self.code.tree.root, module.path)
        return Evaluator(module, file, self.names)

    def block(
        self, module: Module, body: Sequence[ast.stmt], *, maybe: bool = False
    ) -> None:
        """Take in the statements of a block."""
        for statement in body:
            self.live.append((module, statement))
            match statement:
                case ast.If():
                    self._branch(module, statement, maybe=maybe)
                case ast.Try():
                    self._try(module, statement, maybe=maybe)
                case ast.With():
                    self.block(module, statement.body, maybe=maybe)
                case ast.ImportFrom():
                    self._import(module, statement, maybe=maybe)
                case ast.ClassDef():
                    self._configuration(module, statement)
                case _:
                    self._simple(module, statement, maybe=maybe)

    def _branch(self, module: Module, node: ast.If, *, maybe: bool) -> None:
        verdict = self.verdict(module, node.test)
        if verdict is not False:
            self.block(module, node.body, maybe=maybe or verdict is None)
        if verdict is not True:
            self.block(module, node.orelse, maybe=maybe or verdict is None)

    def verdict(self, module: Module, test: ast.expr) -> bool | None:
        """Return what a condition is on the server, None when it depends on it.

        A DEBUG that only a run decides is off; a condition on the tests is false.
        """
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner = self.verdict(module, test.operand)
            return None if inner is None else not inner
        if isinstance(test, ast.BoolOp):
            parts = [self.verdict(module, value) for value in test.values]
            decisive = isinstance(test.op, ast.Or)
            if decisive in parts:
                return decisive
            return None if None in parts else not decisive
        always = truth(test)
        value = self.evaluator(module)(test) if always is None else always
        if value is not UNKNOWN:
            return bool(value)
        words = {n.id for n in ast.walk(test) if isinstance(n, ast.Name)}
        words |= {str(n.value) for n in ast.walk(test) if isinstance(n, ast.Constant)}
        tests = any(_TESTS.search(word) for word in words)
        return False if tests or _is_debug(test) else None

    def _try(self, module: Module, node: ast.Try, *, maybe: bool) -> None:
        """Take in a guarded block, but not a guarded import of a local override."""
        body = [s for s in node.body if not _is_local(s)]
        self.block(module, [*body, *node.orelse], maybe=maybe)
        for handler in node.handlers:
            self.block(module, handler.body, maybe=True)
        self.block(module, node.finalbody, maybe=maybe)

    def _import(self, module: Module, node: ast.ImportFrom, *, maybe: bool) -> None:
        source = module.source_of(node)
        if not located(self.code, source):
            return
        if any(alias.name == "*" for alias in node.names):
            self.read(source, maybe=maybe)
            return
        bound = self._elsewhere(source)
        for alias in node.names:
            if alias.name in bound:
                name = alias.asname or alias.name
                self.bind(name, bound[alias.name], maybe=maybe)

    def _elsewhere(self, source: str) -> dict[str, Binding]:
        """Return what another module binds, read once for all who ask."""
        if source not in self.read_before:
            inner = Reader(self.code, read_before=self.read_before)
            inner.modules = list(self.modules)
            self.read_before[source] = inner.bound
            inner.read(source)
            self.live += inner.live
        return self.read_before[source]

    def _configuration(self, module: Module, node: ast.ClassDef) -> None:
        """Take in a class of django-configurations, unless it is for development."""
        words = node.name.lower()
        if any(word in words for word in ("dev", "local", "test")):
            return
        if any(b.startswith("configurations.") for b in self.code.bases(module, node)):
            self.block(module, node.body)

    def _simple(self, module: Module, node: ast.stmt, *, maybe: bool) -> None:
        at = self.evaluator(module)
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(module, target, value, at, maybe=maybe)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign(module, target, value, at, maybe=maybe)
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value):
                self._extend(module, name, value, at)
            case ast.Expr(value=ast.Call() as call):
                self._call(module, call, at)

    def _assign(
        self,
        module: Module,
        target: ast.expr,
        value: ast.expr,
        at: Evaluator,
        *,
        maybe: bool,
    ) -> None:
        where = evidence(module.path, target.lineno)
        match target:
            case ast.Name(id=name):
                binding = Binding(at(value), where, [Part(module.path, value)])
                self.bind(name, binding, maybe=maybe)
            case ast.Subscript(value=inner, slice=key):
                container, index = at(inner), at(key)
                if not maybe and isinstance(container, dict | list):
                    cast("Any", container)[index] = at(value)
                self._note(module, target, value, at, maybe=maybe)

    def bind(self, name: str, binding: Binding, *, maybe: bool = False) -> None:
        """Bind a name; where a run decides between two values, neither is known."""
        before = self.bound.get(name)
        if maybe and before is not None and before.value != binding.value:
            before.value = UNKNOWN if before.maybe else before.value
            before.maybe = True
            binding = before
        else:
            binding.maybe = binding.maybe or maybe
            self.bound[name] = binding
        self.names[name] = binding.value

    def _note(
        self,
        module: Module,
        target: ast.expr,
        value: ast.AST,
        at: Evaluator,
        *,
        maybe: bool = False,
    ) -> None:
        """Remember a part that was added to a name after it was bound."""
        root, keys = target, list[object]()
        while isinstance(root, ast.Subscript | ast.Attribute):
            if isinstance(root, ast.Subscript):
                keys.insert(0, at(root.slice))
            root = root.value
        if isinstance(root, ast.Name) and root.id in self.bound:
            part = Part(module.path, value, tuple(keys))
            self.bound[root.id].nodes.append(part)
            self.bound[root.id].maybe |= maybe

    def _extend(
        self, module: Module, name: str, value: ast.expr, at: Evaluator
    ) -> None:
        if name not in self.bound:
            where = evidence(module.path, value.lineno)
            self.bound[name] = Binding(UNKNOWN, where)
        binding = self.bound[name]
        binding.value = self.names[name] = add(binding.value, at(value))
        binding.nodes.append(Part(module.path, value))

    def _call(self, module: Module, node: ast.Call, at: Evaluator) -> None:
        if self.code.hint(module, node.func).startswith("split_settings."):
            self._include(module, [at(argument) for argument in node.args])
            return
        if not isinstance(node.func, ast.Attribute) or not node.args:
            return
        container, values = at(node.func.value), [at(a) for a in node.args]
        mutate(container, node.func.attr, values)
        self._note(module, node.func.value, node, at)

    def _include(self, module: Module, names: list[object]) -> None:
        """Take in the files of django-split-settings, which match shell patterns."""
        folder = place(posixpath.dirname(module.path))
        for name in names:
            if not isinstance(name, str | Place):
                continue
            wanted = str(folder / name)
            for path in self.code.tree.files:
                if path.endswith(".py") and place(path).match(wanted):
                    self.read(self.code.dotted(path))


def _is_debug(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "DEBUG"


def _is_local(node: ast.stmt) -> bool:
    """Return whether a statement imports overrides that stay on one machine."""
    if not isinstance(node, ast.ImportFrom):
        return False
    last = (node.module or "").rpartition(".")[2]
    return "local" in last or "dev" in last


__all__ = ["Reader"]
