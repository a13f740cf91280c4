"""Facts and folds as they stand in databases: rows of every version are read for good, since money stands in them."""

from transaction_svc import ends, stored_form
from transaction_svc.ends import Closure, Mark
from transaction_svc.facts import Fact
from transaction_svc.fold import Fold

# Written by the code of version 1. Never changed.
FACTS_1 = (
    '[1,null,1000000,1000001,1000002,0,3,1,"TAG","ISO14443",2,0,true,false,[[0,1000003,0,936000000]],[]]',
    (
        '[2,null,2000000,2000001,2000002,1,0,0,"","",0,0,false,false,'
        "[[1,2000003,1,936500001],[1,2000004,2,7],[1,2000005,3,8]],[[2000006,0,42]]]"
    ),
    '[3,7,null,3000001,3000002,2,0,0,"STOP","Local",0,4,false,true,[[2,3000003,0,937000000]],[]]',
)
FOLD_1 = (
    '[3,1000002,3000002,[3,7,3000001,2],3000001,1000001,true,1000000,true,null,3000001,4,3,1,"TAG","ISO14443",'
    '"STOP","Local",2,8,true,true,true,false,false,[3,936000000,0,936000000,936500001,937000000,null,false],'
    "[2,3000003,3,937000000],1,true,true,0,42,2000006,5000000,true,4000000,true]"
)


def test_facts_of_version_1_are_read() -> None:
    """Each field from its place."""
    start, update, stop = (stored_form.decode_fact(text) for text in FACTS_1)
    assert (start.kind, start.seq_no, start.time_us, start.order_us, start.recorded_us) == (
        1,
        None,
        1000000,
        1000001,
        1000002,
    )
    assert (start.evse_id, start.connector_id, start.id_token, start.id_token_type) == (3, 1, "TAG", "ISO14443")
    assert (start.charging_state, start.skewed, start.orphan) == (2, True, False)
    assert (update.arrival, update.intervals) == (1, ((2000006, 0, 42),))
    assert (stop.seq_no, stop.time_us, stop.id_token, stop.stopped_reason, stop.orphan) == (7, None, "STOP", 4, True)


def test_a_fold_of_version_1_keeps_its_figures() -> None:
    """Also where no event comes any more."""
    state = stored_form.decode_fold(FOLD_1)
    assert (state.event_count, state.created_us, state.updated_us) == (3, 1000002, 3000002)
    assert (state.start_us, state.end_us, state.reason, state.holder) == (1000000, None, 4, ("TAG", "ISO14443"))
    assert (state.evse_id, state.connector_id, state.charging_state) == (3, 1, 2)
    assert (state.meter.energy_mwh, state.meter.meter_start_mwh, state.meter.meter_stop_mwh) == (
        1000000,
        936000000,
        937000000,
    )
    assert list(state.flags) == ["clock_skew", "orphan", "seq_gap"]


def test_facts_are_stored_with_names_and_a_version() -> None:
    """Defaults are left out."""
    fact = Fact(kind=2, order_us=5, recorded_us=6, id_token="TAG")
    assert stored_form.encode(fact) == '{"v":2,"kind":2,"order_us":5,"recorded_us":6,"id_token":"TAG"}'
    assert stored_form.decode_fact(stored_form.encode(fact)) == fact


def test_marks_and_closures_are_stored_with_names() -> None:
    """And read again, also by code that left the defaults out."""
    state = Fold(
        first_frame=(1, 2),
        last_frame=(1, 9),
        mark=Mark(frame=(2, 1), since_us=5, grace_us=6, time_frame=(2, 1), time_us=4, expired=True),
        closure=Closure(origin=ends.OPERATOR, request_us=7, username="olga", reason="why"),
    )
    text = stored_form.encode(state)
    assert '"first_frame":[1,2],"last_frame":[1,9]' in text
    assert (
        '"mark":{"frame":[2,1],"since_us":5,"grace_us":6,"time_frame":[2,1],"time_us":4,"expired":true},'
        '"closure":{"origin":4,"request_us":7,"username":"olga","reason":"why"}'
    ) in text
    assert stored_form.decode_fold(text) == state
    fact = Fact(kind=2, order_us=5, recorded_us=6, frame=(3, 4))
    assert stored_form.encode(fact).endswith('"frame":[3,4]}')
    assert stored_form.decode_fact(stored_form.encode(fact)) == fact
