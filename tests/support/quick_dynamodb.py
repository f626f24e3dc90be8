"""Quick ways through the in-process double of DynamoDB: expressions are read once; trees and tables copy cheaply."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.exceptions import DynamodbException, ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing import ast_nodes, expressions
from moto.dynamodb.parsing.validators import ActionCountValidator, OverlappingPathsValidator

# The double's authors took these modules out of type checking.
Node: Any = vars(ast_nodes)["Node"]
UpdateExpression: Any = vars(ast_nodes)["UpdateExpression"]
DepthFirstTraverser: Any = vars(ast_nodes)["DepthFirstTraverser"]
SetAction: Any = vars(ast_nodes)["UpdateExpressionSetAction"]
Action: Any = vars(ast_nodes)["UpdateExpressionAction"]
Path: Any = vars(ast_nodes)["UpdateExpressionPath"]
Searched: Any = (vars(ast_nodes)["Expression"], vars(ast_nodes)["UpdateExpressionFunction"])
UpdateExpressionParser: Any = vars(expressions)["UpdateExpressionParser"]

_parse_update = UpdateExpressionParser.make
_transact_write = DynamoDBBackend.transact_write_items
_own_project = Item.project
_own_size = DynamoType.size
_own_copy = DynamoType.__deepcopy__
_LARGEST_ITEM = 405_000
_may_change: set[DynamoType] = set()
_lex_condition = ConditionExpressionParser._lex_condition_expression


@cache
def _parsed_update(expression: str) -> Any:
    return _parse_update(expression)


@cache
def _lexed_condition(expression: str) -> tuple[Any, ...]:
    return tuple(_lex_condition(ConditionExpressionParser(expression, None, None)))


_is_subclass: Callable[..., bool] = cache(issubclass)
"""The classes of nodes are abstract: Python searches all of them at each question."""


def _is_node(child: Any) -> bool:
    kind: Any = type(child)
    return _is_subclass(kind, Node)


@cache
def _class_of(kind: Any, classes: tuple[type, ...]) -> type | None:
    return next((each for each in classes if issubclass(kind, each)), None)


def _parse(_: type, expression: str) -> Any:
    # The double copies the tree before it changes a node.
    return _parsed_update(expression)


def _lex(self: ConditionExpressionParser) -> deque[Any]:
    return deque(_lexed_condition(self.condition_expression or ""))


def _traverse(self: DepthFirstTraverser, root: Any) -> Any:
    """Does what ``traverse_node_recursively`` does, and asks once what each class of nodes is."""
    processors = self._processing_map()
    if isinstance(self, ActionCountValidator | OverlappingPathsValidator):
        # They look at all below a node and change nothing: what the root passes, every part of it passes.
        with suppress(DynamodbException):
            return processors[UpdateExpression](root)
    processed_as: dict[Any, Any] = {}
    is_hooked = type(self).pre_processing_of_child is not DepthFirstTraverser.pre_processing_of_child
    # Nothing within a path is processed, and no action is within another.
    closed = (Path, SetAction) if list(processors) == [SetAction] else (Path,)

    def visit(node: Any, place: int) -> Any:
        parent = node.parent
        kind: Any = type(node)
        is_announced = is_hooked and _is_subclass(kind, (SetAction, Action))
        for child_place, child in enumerate(() if kind in closed else node.children or ()):
            if is_announced:
                self.pre_processing_of_child(node, child_place)
            kind_of_child: Any = type(child)
            if _is_subclass(kind_of_child, Node):
                visit(child, child_place)
        if kind not in processed_as:
            processed_as[kind] = processors.get(_class_of(kind, tuple(processors)))
        process = processed_as[kind]
        if process:
            node = process(node)
            node.parent = parent
            if parent:
                parent.children[place] = node
        return node

    return visit(root, -1)


def _copy_tree(self: Node, memo: dict[int, Any]) -> Node:
    """Copies a tree as the parser made it: a child is a node, a string or a number."""
    copied = object.__new__(type(self))
    copied.__dict__.update(self.__dict__)
    if self.children is not None:
        copied.children = [_copy_tree(child, memo) if _is_node(child) else child for child in self.children]
        for child in copied.children:
            if _is_node(child):
                child.parent = copied
    return copied


def _find(self: Node, clause_types: list[Any]) -> list[Any]:
    """Does what ``find_clauses`` does, and asks once what each class of nodes is."""
    clauses: list[Any] = []
    for child in self.children or ():
        kind: Any = type(child)
        if kind in clause_types:
            clauses.append(child)
        elif _is_subclass(kind, Searched):
            clauses += _find(child, clause_types)
    return clauses


def _transact(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    """Lets the double keep only the items that a transaction may change, not the whole table for each of them."""
    for operation in (each for item in transact_items for each in item.values()):
        if table := self.tables.get(operation["TableName"]):
            _may_change.add(DynamoType(operation.get("Key", operation.get("Item"))[table.hash_key_attr]))
    try:
        _transact_write(self, transact_items)
    finally:
        _may_change.clear()


def _copy_table(self: Table, memo: dict[int, Any]) -> Table:
    copied = copy.copy(self)
    copied.items = copy.copy(self.items)
    for key in _may_change & self.items.keys() if _may_change else self.items.keys():
        copied.items[key] = copy.deepcopy(self.items[key], memo)
    return copied


def _copy_value(self: DynamoType, memo: dict[int, Any]) -> DynamoType:
    """Copies what can be changed in place; a string or a number cannot."""
    return _own_copy(self, memo) if isinstance(self.value, list | dict) else self


def _copy_item(self: Item, memo: dict[int, Any]) -> Item:
    copied = object.__new__(Item)
    copied.__dict__.update(self.__dict__)
    copied.attrs = LimitedSizeDict()
    for name, value in self.attrs.items():
        dict.__setitem__(copied.attrs, name, _copy_value(value, memo))
    return copied


def _size(self: DynamoType) -> int:
    """Answers at once for a string or a number, which most values are."""
    value = self.value
    return len(value) if type(value) is str and value.isascii() else _own_size(self)


def _make_item(self: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]) -> None:
    """Sums up the size of an item once, not again for each attribute."""
    self.hash_key, self.range_key = hash_key, range_key
    self.attrs = LimitedSizeDict()
    for key, value in attrs.items():
        dict.__setitem__(self.attrs, key, DynamoType(value))
    if self.size() > _LARGEST_ITEM:
        raise ItemSizeTooLarge


def _project(self: Item, projection_expressions: list[list[str]]) -> Item:
    """Takes whole attributes as they are; only a path into one needs the item as plain Python."""
    names = [path[0] for path in projection_expressions]
    if any(len(path) > 1 or "[" in path[0] for path in projection_expressions):
        return _own_project(self, projection_expressions)
    projected = copy.copy(self)
    projected.attrs = LimitedSizeDict()
    for name in names:
        if name in self.attrs:
            dict.__setitem__(projected.attrs, name, self.attrs[name])
    return projected


QUICK: tuple[tuple[type, str, Any], ...] = (
    (UpdateExpressionParser, "make", classmethod(_parse)),
    (ConditionExpressionParser, "_lex_condition_expression", _lex),
    (DepthFirstTraverser, "traverse", _traverse),
    (Node, "__deepcopy__", _copy_tree),
    (Node, "find_clauses", _find),
    (DynamoType, "__deepcopy__", _copy_value),
    (DynamoType, "size", _size),
    (Item, "__deepcopy__", _copy_item),
    (Table, "__deepcopy__", _copy_table),
    (Item, "__init__", _make_item),
    (Item, "project", _project),
    (DynamoDBBackend, "transact_write_items", _transact),
)
OWN = tuple((owner, name, vars(owner).get(name)) for owner, name, _ in QUICK)
"""The double's own ways; ``None`` where it has none."""


def quicken_dynamodb() -> None:
    """Puts the quick ways into the double."""
    for owner, name, way in QUICK:
        setattr(owner, name, way)
