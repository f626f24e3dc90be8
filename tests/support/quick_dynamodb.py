"""Quick ways through the in-process double of DynamoDB: expressions are read once; trees and tables copy cheaply."""

from __future__ import annotations

import copy
from collections import deque
from functools import cache
from typing import Any

from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node
from moto.dynamodb.parsing.expressions import UpdateExpressionParser

_parse_update = UpdateExpressionParser.make
_lex_condition = ConditionExpressionParser._lex_condition_expression


@cache
def _parsed_update(expression: str) -> Any:
    return _parse_update(expression)


@cache
def _lexed_condition(expression: str) -> tuple[Any, ...]:
    return tuple(_lex_condition(ConditionExpressionParser(expression, None, None)))


@cache
def _class_that_is_processed(classes: tuple[type, ...], node: type) -> type | None:
    return next((each for each in classes if issubclass(node, each)), None)


def _parse(_: type, expression: str) -> Any:
    # The double copies the tree before it changes a node.
    return _parsed_update(expression)


def _lex(self: ConditionExpressionParser) -> deque[Any]:
    return deque(_lexed_condition(self.condition_expression or ""))


def _traverse(self: DepthFirstTraverser, root: Any) -> Any:
    """Does what ``traverse_node_recursively`` does, and looks each class up once."""
    processors = self._processing_map()
    classes = tuple(processors)
    is_hooked = type(self).pre_processing_of_child is not DepthFirstTraverser.pre_processing_of_child

    def visit(node: Any, place: int) -> Any:
        parent = node.parent
        for child_place, child in enumerate(node.children or ()):
            if is_hooked:
                self.pre_processing_of_child(node, child_place)
            if isinstance(child, Node):
                visit(child, child_place)
        processed = _class_that_is_processed(classes, type(node))
        if processed:
            node = processors[processed](node)
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
        copied.children = [_copy_tree(child, memo) if isinstance(child, Node) else child for child in self.children]
        for child in copied.children:
            if isinstance(child, Node):
                child.parent = copied
    return copied


def _copy_table(self: Table, memo: dict[int, Any]) -> Table:
    """Copies the items, which are all that a transaction changes."""
    copied = copy.copy(self)
    copied.items = copy.deepcopy(self.items, memo)
    return copied


def quicken_dynamodb() -> None:
    """Puts the quick ways into the double."""
    UpdateExpressionParser.make = classmethod(_parse)
    ConditionExpressionParser._lex_condition_expression = _lex
    DepthFirstTraverser.traverse = _traverse
    Node.__deepcopy__ = _copy_tree
    Table.__deepcopy__ = _copy_table
