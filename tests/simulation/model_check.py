"""Explores every state of a case: breadth first, so that the run that breaks a property is one of the shortest."""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable

import msgspec

from simulation.model_case import Case
from simulation.model_events import FAIR, Event, after, events
from simulation.model_key import key_of
from simulation.model_properties import BrokenError, check
from simulation.model_world import World

FIRST_STEP: Event = ("step", 0)
"""The trigger takes it in its own transaction, so nothing comes between."""


class Explored(msgspec.Struct):
    """The whole graph of a case."""

    states: int
    transitions: int
    endings: frozenset[tuple[str, str]]
    """The ways in which deployments ended: kind and status."""
    traps: list[list[Event]]
    """Runs to states from which a fair run may go on for ever without an end."""


class Graph:
    """The states by number, how each was reached first, and what leads from where to where."""

    def __init__(self) -> None:
        self.numbers: dict[bytes, int] = {}
        self.reached: list[tuple[int, Event]] = []
        self.edges: list[list[tuple[str, int]]] = []

    def add(self, key: bytes, source: int, event: Event) -> tuple[int, bool]:
        """Return the number of a state, and whether it is new."""
        number = self.numbers.setdefault(key, len(self.reached))
        if number < len(self.reached):
            return number, False
        self.reached.append((source, event))
        self.edges.append([])
        return number, True

    def run_to(self, number: int) -> list[Event]:
        """Return the events that lead to a state."""
        run: list[Event] = []
        while number:
            number, event = self.reached[number]
            run.append(event)
        return run[::-1]


def explore(case: Case) -> Explored:
    """Visit every state of a case and check every event. BrokenError tells the run that broke a property."""
    graph, unassigned = Graph(), World(case)
    start = after(unassigned, FIRST_STEP)
    check(unassigned, FIRST_STEP, start)
    graph.add(key_of(start), 0, FIRST_STEP)
    waiting = deque([start])
    endings, number = set[tuple[str, str]](), -1
    while waiting:
        world, number = waiting.popleft(), number + 1
        its = world.ledger.its_deployment
        if not its.in_flight:
            endings.add((its.kind, its.status))
            continue
        waiting.extend(_expand(graph, number, world))
    transitions = sum(len(edges) for edges in graph.edges)
    return Explored(len(graph.reached), transitions, frozenset(endings), traps(graph))


def _expand(graph: Graph, number: int, world: World) -> Iterable[World]:
    """Let everything happen that may happen in a state; yield the worlds that are new."""
    for event in events(world):
        try:
            changed = after(world, event)
            check(world, event, changed)
        except AssertionError as error:
            run = [*graph.run_to(number), event]
            raise BrokenError(f"{error}, after: {' / '.join(_words(each) for each in run)}") from error
        reached, new = graph.add(key_of(changed), number, event)
        graph.edges[number].append((event[0], reached))
        if new:
            yield changed


def traps(graph: Graph) -> list[list[Event]]:
    """Return runs into sets of states in which a fair run may stay for ever.

    Such a set is strongly connected, and everything that happens again and again in a fair run either happens within
    it, or is not possible somewhere in it. States in which the deployment has ended lead nowhere, so they are in none.
    """
    found = []
    for members in components(graph.edges):
        inside = set(members)
        within = {kind for each in members for kind, to in graph.edges[each] if to in inside}
        possible_everywhere = set.intersection(*({kind for kind, _ in graph.edges[each]} for each in members))
        if within and all(kind in within for kind in FAIR if kind in possible_everywhere):
            found.append(graph.run_to(min(members)))
    return found


def components(edges: list[list[tuple[str, int]]]) -> Iterable[list[int]]:
    """Yield the strongly connected components of what can be reached from 0 (Tarjan 1972, without recursion)."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack = set[int]()
    path = [(0, 0)]
    while path:
        node, place = path.pop()
        if node not in index:
            index[node] = low[node] = len(index)
            stack.append(node)
            on_stack.add(node)
        if place < len(edges[node]):
            to = edges[node][place][1]
            # A node that is new is gone into first; then this edge is looked at again, to learn what that found.
            path.append((node, place if to not in index else place + 1))
            if to not in index:
                path.append((to, 0))
            elif to in on_stack:
                low[node] = min(low[node], low[to])
        elif low[node] == index[node]:
            cut = bisect_left(stack, index[node], key=index.__getitem__)
            yield stack[cut:]
            on_stack.difference_update(stack[cut:])
            del stack[cut:]


def _words(event: Event) -> str:
    kind, number = event
    return f"web-{number} {kind}" if number else kind
