"""Each rule of the agent's decisions, by its name; then what must hold whatever it is told."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dides.agent.decision import CUT_OFF as GIVEN_UP
from dides.agent.decision import INTERRUPTED, MOST_BEGUN, Action, Decision, cut_off, decide, ended
from dides.agent.persisted import Attempt, Standing
from dides.model.state import NOTHING, ApplyRule, State
from dides.protocol.messages import Directive

V1, V2 = State("1.0", "c1"), State("2.0", "c2")
TIME_TO_LIVE = 30.0


def told(generation: int, desired: State | None, rule: ApplyRule = ApplyRule.IF_CHANGED) -> Directive:
    return Directive(
        name="web-1",
        desired=desired,
        generation=generation,
        deployment_id=42,
        update_needed=True,
        apply=rule,
        heartbeat_interval=TIME_TO_LIVE / 3,
    )


def look(standing: Standing, directive: Directive, now: float = 0.0, since: float | None = None) -> Decision:
    return decide(standing, directive, now=now, lower_since=since)


FRESH = Standing()
CLEAN = Standing(generation=7, deployment=41, applied=V1)
FAILED = Standing(generation=7, deployment=41, applied=V1, attempt=Attempt(target=V2, failure="no disk"))
CUT_OFF = Standing(generation=7, deployment=41, applied=V1, attempt=Attempt(target=V2, run="5"))


@pytest.mark.parametrize(
    ("rule", "standing", "directive", "action"),
    [
        ("a first generation without a desired state is adopted", FRESH, told(0, None), Action.ADOPT),
        ("a first desired state is applied", FRESH, told(1, V1), Action.APPLY),
        ("a new assignment without a desired state is adopted", CLEAN, told(8, None), Action.ADOPT),
        ("an empty desired state is no desired state", CLEAN, told(8, NOTHING), Action.ADOPT),
        ("a new assignment that is met is adopted", CLEAN, told(8, V1), Action.ADOPT),
        ("a new assignment that is met where it is managed is adopted", CLEAN, told(8, State("1.0")), Action.ADOPT),
        ("a new assignment that is not met is applied", CLEAN, told(8, V2), Action.APPLY),
        ("after a failure even the version reported is applied", FAILED, told(8, V1), Action.APPLY),
        ("after a failure the same version is applied under a new generation", FAILED, told(8, V2), Action.APPLY),
        ("after a kill even the version reported is applied", CUT_OFF, told(8, V1), Action.APPLY),
        ("after a failure an assignment without a desired state is adopted", FAILED, told(8, None), Action.ADOPT),
        ("the same generation, met, is ignored", CLEAN, told(7, V1), Action.IGNORE),
        ("the same generation, not met, is applied (the number was given twice)", CLEAN, told(7, V2), Action.APPLY),
        ("the same generation, unmanaged, is ignored", CLEAN, told(7, None), Action.IGNORE),
        ("the same generation, failed, is not tried again", FAILED, told(7, V2), Action.IGNORE),
        ("the same generation, failed and unmanaged, is ignored", FAILED, told(7, None), Action.IGNORE),
        ("the same generation, cut off, starts over", CUT_OFF, told(7, V2), Action.APPLY),
        ("the same generation, cut off and unmanaged, is adopted", CUT_OFF, told(7, None), Action.ADOPT),
        ("a lower generation is ignored at first", CLEAN, told(6, V2), Action.IGNORE),
        ("a lower generation is ignored after a kill too", CUT_OFF, told(6, V2), Action.IGNORE),
    ],
)
def test_rule(rule: str, standing: Standing, directive: Directive, action: Action) -> None:
    assert look(standing, directive).action is action, rule


def test_an_ignored_directive_changes_nothing() -> None:
    assert look(FAILED, told(7, V2)).standing == FAILED


def test_an_adopted_generation_is_acted_on_and_keeps_what_is_applied() -> None:
    assert look(CLEAN, told(8, V1)).standing == Standing(generation=8, deployment=42, applied=V1)


def test_an_adopted_generation_leaves_a_failure_as_it_is() -> None:
    assert look(FAILED, told(8, None)).standing.attempt == FAILED.attempt


def test_an_apply_that_was_cut_off_is_a_failure_once_nothing_is_desired() -> None:
    assert look(CUT_OFF, told(8, None)).standing.attempt == Attempt(target=V2, failure=INTERRUPTED, run="5")


def test_an_apply_is_marked_before_it_begins() -> None:
    begun = look(CLEAN, told(8, V2)).standing
    assert begun == Standing(generation=8, deployment=42, applied=V1, attempt=Attempt(target=V2))


def test_an_unmanaged_version_of_the_target_stays_what_is_applied() -> None:
    begun = look(CLEAN, told(8, State("2.0"))).standing
    assert begun.attempt == Attempt(target=State("2.0", "c1"))


def test_a_success_is_remembered_with_what_was_before() -> None:
    begun = look(CLEAN, told(8, V2)).standing
    assert ended(begun, None) == Standing(generation=8, deployment=42, applied=V2, previous=V1)


def test_a_failure_keeps_the_versions_that_were_applied() -> None:
    begun = look(CLEAN, told(8, V2)).standing
    failed = ended(begun, "no disk")
    assert (failed.applied, failed.attempt) == (V1, Attempt(target=V2, failure="no disk"))


def test_what_never_began_does_not_end() -> None:
    assert ended(CLEAN, "no disk") == CLEAN


UNLESS_HEALTHY, IF_CHANGED, ALWAYS = ApplyRule


@pytest.mark.parametrize("healthy", [None, False, True])
@pytest.mark.parametrize("rule", ApplyRule)
@pytest.mark.parametrize("standing", [FRESH, CLEAN, FAILED, CUT_OFF])
def test_another_state_is_applied_whatever_rule_and_check_say(
    standing: Standing, rule: ApplyRule, healthy: bool | None
) -> None:
    """A check that is blind to versions says HEALTHY of the old one, too."""
    decision = decide(standing, told(8, V2, rule), now=0.0, lower_since=None, healthy=healthy)
    assert decision.action is Action.APPLY


@pytest.mark.parametrize("desired", [V1, State("1.0")])
@pytest.mark.parametrize(
    ("rule", "healthy", "action"),
    [
        (UNLESS_HEALTHY, None, Action.CHECK),
        (UNLESS_HEALTHY, True, Action.ADOPT),
        (UNLESS_HEALTHY, False, Action.APPLY),
        (IF_CHANGED, None, Action.ADOPT),
        (IF_CHANGED, True, Action.ADOPT),
        (IF_CHANGED, False, Action.ADOPT),
        (ALWAYS, None, Action.APPLY),
        (ALWAYS, True, Action.APPLY),
    ],
)
def test_the_same_state_again(desired: State, rule: ApplyRule, healthy: bool | None, action: Action) -> None:
    decision = decide(CLEAN, told(8, desired, rule), now=0.0, lower_since=None, healthy=healthy)
    assert decision.action is action
    assert (decision.standing == CLEAN) == (action is Action.CHECK), "a check changes nothing"


@pytest.mark.parametrize("rule", ApplyRule)
def test_what_is_dirty_is_applied_whatever_the_rule_says(rule: ApplyRule) -> None:
    for standing in (FAILED, CUT_OFF):
        assert look(standing, told(8, V1, rule)).action is Action.APPLY


@pytest.mark.parametrize("rule", ApplyRule)
def test_a_generation_that_is_acted_on_is_not_applied_twice(rule: ApplyRule) -> None:
    assert look(CLEAN, told(7, V1, rule)).action is Action.IGNORE


class TestCutOff:
    """An apply that is cut off every time, perhaps by itself, must not be begun for ever."""

    def begin_and_cut_off(self, standing: Standing, generation: int) -> Standing:
        decision = look(standing, told(generation, V2))
        assert decision.action is Action.APPLY
        return cut_off(decision.standing)

    def test_starts_over_until_the_third_time(self) -> None:
        standing = CLEAN
        for begun in range(1, MOST_BEGUN + 1):
            standing = self.begin_and_cut_off(standing, 8)
            assert standing.attempt is not None
            assert standing.attempt.begun == begun
        assert standing.attempt == Attempt(target=V2, failure=GIVEN_UP, begun=3)
        assert GIVEN_UP == "the apply was cut off 3 times"
        assert look(standing, told(8, V2)).action is Action.IGNORE

    def test_counts_anew_in_another_generation(self) -> None:
        standing = self.begin_and_cut_off(self.begin_and_cut_off(CLEAN, 8), 8)
        standing = self.begin_and_cut_off(standing, 9)
        assert standing.attempt == Attempt(target=V2, begun=1)

    def test_is_not_begun_a_fourth_time_by_an_agent_that_did_not_count(self) -> None:
        third = Standing(generation=7, applied=V1, attempt=Attempt(target=V2, begun=3))
        decision = look(third, told(7, V2))
        assert (decision.action, decision.standing) == (Action.ADOPT, cut_off(third))

    def test_leaves_what_has_ended_alone(self) -> None:
        for standing in (CLEAN, FAILED, CUT_OFF):
            assert cut_off(standing) == standing


class TestLowerGeneration:
    """A stale coordinator must not pull an instance back; a restored backup must be able to."""

    def test_counts_from_when_it_was_first_seen(self) -> None:
        first = look(CLEAN, told(6, V2), now=100.0)
        assert first.lower_since == 100.0
        later = look(CLEAN, told(5, V2), now=110.0, since=first.lower_since)
        assert (later.action, later.lower_since) == (Action.IGNORE, 100.0)

    def test_is_ignored_until_the_time_to_live_has_passed(self) -> None:
        assert look(CLEAN, told(6, V2), now=129.9, since=100.0).action is Action.IGNORE

    def test_is_a_new_telling_after_the_time_to_live(self) -> None:
        accepted = look(CLEAN, told(6, V2), now=130.0, since=100.0)
        assert (accepted.action, accepted.standing.generation, accepted.lower_since) == (Action.APPLY, 6, None)

    def test_is_adopted_after_the_time_to_live_when_it_is_met(self) -> None:
        assert look(CLEAN, told(6, V1), now=130.0, since=100.0).action is Action.ADOPT

    @pytest.mark.parametrize("generation", [7, 8])
    def test_is_counted_anew_after_one_that_is_not_lower(self, generation: int) -> None:
        assert look(CLEAN, told(generation, V1), now=110.0, since=100.0).lower_since is None


versions = st.sampled_from([None, "1", "2", "3"])
assignments = st.tuples(
    st.integers(0, 5),
    st.none() | st.builds(State, versions, versions),
    st.floats(0, 20),
    st.sampled_from(["succeeds", "fails", "is killed"]),
)


class Life:
    """An instance that lives through assignments as the agent does, and notes every apply."""

    def __init__(self) -> None:
        self.standing, self.now = Standing(), 0.0
        self.lower_since: float | None = None

    def hear(self, generation: int, desired: State | None, passed: float, apply: str) -> Decision:
        self.now += passed
        decision = decide(self.standing, told(generation, desired), now=self.now, lower_since=self.lower_since)
        self.lower_since, self.standing = decision.lower_since, decision.standing
        if decision.action is Action.APPLY and apply != "is killed":
            self.standing = ended(decision.standing, None if apply == "succeeds" else "failed")
        return decision


@given(st.lists(assignments, max_size=30))
def test_a_generation_that_failed_is_never_applied_again_before_another(
    plot: list[tuple[int, State | None, float, str]],
) -> None:
    life = Life()
    for assignment in plot:
        before = life.standing
        decision = life.hear(*assignment)
        if before.failed and assignment[0] == before.generation:
            assert decision.action is Action.IGNORE


@given(st.lists(assignments, max_size=30))
def test_no_lower_generation_is_acted_on_within_a_time_to_live(
    plot: list[tuple[int, State | None, float, str]],
) -> None:
    life, not_lower_at = Life(), 0.0
    for assignment in plot:
        before = life.standing.generation
        life.hear(*assignment)
        if before is None or assignment[0] >= before:
            not_lower_at = life.now
        elif life.standing.generation != before:
            assert life.now - not_lower_at >= TIME_TO_LIVE
            not_lower_at = life.now


@given(st.lists(assignments, max_size=30))
def test_what_is_acted_on_is_met_or_dirty(plot: list[tuple[int, State | None, float, str]]) -> None:
    life = Life()
    for assignment in plot:
        life.hear(*assignment)
        if life.standing.generation == assignment[0]:
            assert life.standing.dirty or life.standing.applied.meets(assignment[1])


@given(st.lists(assignments, max_size=30))
def test_a_directive_that_comes_again_after_a_success_asks_for_nothing(
    plot: list[tuple[int, State | None, float, str]],
) -> None:
    life = Life()
    for generation, desired, passed, _ in plot:
        life.hear(generation, desired, passed, "succeeds")
        if life.standing.generation == generation:
            assert life.hear(generation, desired, 0.0, "succeeds").action is Action.IGNORE


def test_a_standing_survives_the_disk() -> None:
    assert msgspec.json.decode(msgspec.json.encode(CUT_OFF), type=Standing) == CUT_OFF
