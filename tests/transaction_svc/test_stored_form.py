"""The stored form of event records and states: rows of every version stay readable, since bills depend on them."""

from collections.abc import Iterator
from typing import Any, get_args

import msgspec

from transaction_svc import ends, stored_form
from transaction_svc.ends import Closure, Mark
from transaction_svc.energy import Basis
from transaction_svc.event_record import EventRecord
from transaction_svc.stored_names import SHORT
from transaction_svc.transaction_state import TransactionState

# Written by the code of version 1. Never changed.
RECORDS_1 = (
    '[1,null,1000000,1000001,1000002,0,3,1,"TAG","ISO14443",2,0,true,false,[[0,1000003,0,936000000]],[]]',
    (
        '[2,null,2000000,2000001,2000002,1,0,0,"","",0,0,false,false,'
        "[[1,2000003,1,936500001],[1,2000004,2,7],[1,2000005,3,8]],[[2000006,0,42]]]"
    ),
    '[3,7,null,3000001,3000002,2,0,0,"STOP","Local",0,4,false,true,[[2,3000003,0,937000000]],[]]',
)
STATE_1 = (
    '[3,1000002,3000002,[3,7,3000001,2],3000001,1000001,true,1000000,true,null,3000001,4,3,1,"TAG","ISO14443",'
    '"STOP","Local",2,8,true,true,true,false,false,[3,936000000,0,936000000,936500001,937000000,null,false],'
    "[2,3000003,3,937000000],1,true,true,0,42,2000006,5000000,true,4000000,true]"
)


def test_event_records_of_version_1_are_read() -> None:
    """Each field from its place."""
    start, update, stop = (stored_form.decode_record(text) for text in RECORDS_1)
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


def test_a_state_of_version_1_keeps_its_figures() -> None:
    state = stored_form.decode_state(STATE_1)
    assert (state.event_count, state.created_us, state.updated_us) == (3, 1000002, 3000002)
    assert (state.start_us, state.end_us, state.reason, state.held_by) == (1000000, None, 4, ("TAG", "ISO14443"))
    assert (state.evse_id, state.connector_id, state.charging_state) == (3, 1, 2)
    assert (state.meter.energy_mwh, state.meter.meter_start_mwh, state.meter.meter_stop_mwh) == (
        1000000,
        936000000,
        937000000,
    )
    assert list(state.flags) == ["clock_skew", "orphan", "seq_gap"]


# Written by the code of version 2. Never changed.
RECORD_2 = (
    '{"v":2,"kind":3,"order_us":3000001,"recorded_us":3000002,"seq_no":7,"time_us":3000000,"arrival":2,"evse_id":3,'
    '"connector_id":1,"id_token":"TAG","id_token_type":"ISO14443","charging_state":2,"stopped_reason":4,"skewed":true,'
    '"orphan":true,"readings":[{"at_us":3000003,"mwh":936000000,"rank":0},{"at_us":3000004,"mwh":5,"series":33},'
    '{"at_us":3000005,"mwh":937500000,"rank":2}],"intervals":[[3000006,0,42]]}'
)
STATE_2 = (
    '{"v":2,"event_count":3,"created_us":1000002,"updated_us":3000002,"last_key":[3,2,3000001,2],"latest_us":3000001,'
    '"begin_us":1000001,"started":true,"start_us":1000000,"stopped":true,"stop_us":3000000,"stop_order_us":3000001,'
    '"stopped_reason":4,"evse_id":3,"connector_id":1,"id_token":"TAG","id_token_type":"ISO14443","stop_token":"STOP",'
    '"stop_token_type":"Local","charging_state":2,"seq_count":3,"seq_most":2,"seq_us":3000001,"seq_squares":5,'
    '"skewed":true,"meter":{"registers":{"0":{"runs":[{"first":936000000,"last":937500000,"first_at":[1000001,1000002],'
    '"last_at":[3000001,3000002],"before":936000000,"count":2},{"first":500000,"last":1200000,"first_at":[2000001,'
    '2000002],"last_at":[2500001,2500002],"before":500000,"count":2,"other":true}],"begun":true,"ended":true,'
    '"second":500000,"second_at":[2000001,2000002],"before_end":1200000,"lowest":500000,"highest":1200000,'
    '"step":100000,"fell":true,"rank":2}},"terms":{"power_w":43000,"previous_mwh":935000000},"assessed":{"mwh":1500000,'
    '"begin_mwh":936000000,"end_mwh":937500000,"basis":1,"flags":["meter_rollback","other_counter"]},'
    '"begin_said":[0,936000000],"end_said":[0,937500000],"stop":{"order_us":3000001,"seq_no":2}},'
    '"next_begin_us":5000000,"told_us":4000000,"told_end":true}'
)


def test_an_event_record_of_version_2_is_read() -> None:
    """Each field by its name."""
    record = stored_form.decode_record(RECORD_2)
    assert (record.kind, record.seq_no, record.time_us, record.order_us, record.recorded_us) == (
        3,
        7,
        3000000,
        3000001,
        3000002,
    )
    assert (record.evse_id, record.connector_id, record.id_token, record.id_token_type) == (3, 1, "TAG", "ISO14443")
    assert (record.charging_state, record.stopped_reason, record.skewed, record.orphan) == (2, 4, True, True)
    assert [(reading.rank, reading.at_us, reading.series, reading.mwh) for reading in record.readings] == [
        (0, 3000003, 0, 936000000),
        (1, 3000004, 33, 5),
        (2, 3000005, 0, 937500000),
    ]
    assert record.intervals == ((3000006, 0, 42),)


def test_a_state_of_version_2_is_read() -> None:
    """Each field by its name; a reassessment needs no other data."""
    state = stored_form.decode_state(STATE_2)
    assert (state.event_count, state.created_us, state.updated_us) == (3, 1000002, 3000002)
    assert (state.start_us, state.end_us, state.reason, state.held_by) == (1000000, 3000000, 4, ("TAG", "ISO14443"))
    assert (state.evse_id, state.connector_id, state.charging_state) == (3, 1, 2)
    assert (state.meter.energy_mwh, state.meter.basis) == (1500000, Basis.REGISTER)
    assert (state.meter.meter_start_mwh, state.meter.meter_stop_mwh) == (936000000, 937500000)
    assert list(state.flags) == ["clock_skew", "meter_rollback", "other_counter"]
    before = state.meter.assessed
    state.meter.reassess()
    assert state.meter.assessed == before


# A state of version 2 with the fields of a meter profile and of an operator's reassessment.
STATE_2_PROFILE = (
    '{"v":2,"event_count":1,"created_us":1000002,"updated_us":1000002,"last_key":[1,0,1000001,0],"latest_us":1000001,'
    '"begin_us":1000001,"started":true,"start_us":1000000,"evse_id":3,"connector_id":1,"meter":{"terms":'
    '{"power_w":22000,"placeholder":true,"pins":{"begin_end_exponent":3,"sampled_exponent":0,"source":2,"location":1},'
    '"profile_id":"0123456789abcdef"}},"reassessment":{"count":2,"at_us":6000000,"username":"ada"}}'
)


def test_a_state_of_version_2_with_a_meter_profile_is_read() -> None:
    """Each field by its name."""
    state = stored_form.decode_state(STATE_2_PROFILE)
    terms = state.meter.terms
    assert (terms.power_w, terms.placeholder, terms.profile_id) == (22000, True, "0123456789abcdef")
    assert terms.pins is not None
    assert (terms.pins.begin_end_exponent, terms.pins.sampled_exponent) == (3, 0)
    assert (terms.pins.source, terms.pins.location) == (2, 1)
    assert state.reassessment is not None
    assert (state.reassessment.count, state.reassessment.at_us, state.reassessment.username) == (2, 6000000, "ada")


# The same rows, written by the code of version 3. Fields may be added, with a default; what is here is read for good.
RECORD_3 = (
    '{"v":3,"k":3,"o":3000001,"r":3000002,"t":3000000,"a":2,"e":3,"c":1,"rd":[{"at":3000003,"m":936000000,"rk":0},{"a'
    't":3000004,"m":5,"s":33},{"at":3000005,"m":937500000,"rk":2}],"q":7,"i":"TAG","it":"ISO14443","cs":2,"xr":4,"ske'
    'wed":true,"orphan":true,"intervals":[[3000006,0,42]]}'
)
STATE_3 = (
    '{"v":3,"n":3,"cr":1000002,"up":3000002,"lk":[3,2,3000001,2],"lt":3000001,"bg":1000001,"sd":true,"st":1000000,"e"'
    ':3,"c":1,"i":"TAG","it":"ISO14443","mt":{"g":{"0":{"rn":[{"f":936000000,"l":937500000,"fa":[1000001,1000002],"la'
    '":[3000001,3000002],"p":936000000,"ct":2},{"f":500000,"l":1200000,"fa":[2000001,2000002],"la":[2500001,2500002],'
    '"p":500000,"ct":2,"other":true}],"b":true,"s2":500000,"sa":[2000001,2000002],"sp":100000,"rk":2,"ed":true,"be":1'
    '200000,"lowest":500000,"highest":1200000,"fell":true}},"tm":{"w":43000,"pm":935000000},"bs":[0,936000000],"es":['
    '0,937500000],"x":{"o":3000001,"q":2},"assessed":{"m":1500000,"begin_mwh":936000000,"end_mwh":937500000,"basis":1'
    ',"flags":["meter_rollback","other_counter"]}},"tu":4000000,"cs":2,"qn":3,"qm":2,"qt":3000001,"qs":5,"xd":true,"x'
    't":3000000,"xo":3000001,"xr":4,"xi":"STOP","xit":"Local","te":true,"skewed":true,"next_begin_us":5000000}'
)
STATE_3_PROFILE = (
    '{"v":3,"n":1,"cr":1000002,"up":1000002,"lk":[1,0,1000001,0],"lt":1000001,"bg":1000001,"sd":true,"st":1000000,"e"'
    ':3,"c":1,"mt":{"tm":{"w":22000,"placeholder":true,"pins":{"begin_end_exponent":3,"sampled_exponent":0,"source":2'
    ',"location":1},"profile_id":"0123456789abcdef"}},"reassessment":{"ct":2,"at":6000000,"username":"ada"}}'
)


def test_what_version_2_wrote_is_written_with_the_names_of_version_3() -> None:
    """Version 3 differs in nothing but the names."""
    for old, new in ((STATE_2, STATE_3), (STATE_2_PROFILE, STATE_3_PROFILE)):
        state = stored_form.decode_state(old)
        assert state == stored_form.decode_state(new)
        assert stored_form.encode(state) == new
    record = stored_form.decode_record(RECORD_2)
    assert record == stored_form.decode_record(RECORD_3)
    assert stored_form.encode(record) == RECORD_3


def test_every_stored_field_has_one_name() -> None:
    """The short one where there is one, in every struct that a row may hold: rows of version 2 are renamed by it."""
    assert len(set(SHORT.values())) == len(SHORT)
    pending, seen = list[Any]([EventRecord, TransactionState]), set[Any]()
    while pending:
        struct = pending.pop()
        seen.add(struct)
        for field in msgspec.structs.fields(struct):
            assert field.encode_name == SHORT.get(field.name, field.name)
            pending.extend(inner for inner in structs_within(field.type) if inner not in seen)
    assert {struct.__name__ for struct in seen} >= {"Register", "Run", "Energy", "Pins", "Mark", "Closure", "Reading"}


def structs_within(annotation: Any) -> Iterator[Any]:
    """The structs with names that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        if not annotation.__struct_config__.array_like:
            yield annotation
        return
    for inner in get_args(annotation):
        yield from structs_within(inner)


def test_event_records_are_stored_with_names_and_a_version() -> None:
    """Defaults are left out."""
    record = EventRecord(kind=2, order_us=5, recorded_us=6, id_token="TAG")
    assert stored_form.encode(record) == '{"v":3,"k":2,"o":5,"r":6,"i":"TAG"}'
    assert stored_form.decode_record(stored_form.encode(record)) == record


def test_marks_and_closures_are_stored_with_names() -> None:
    """And read again, also by code that left the defaults out."""
    state = TransactionState(
        first_frame=(1, 2),
        last_frame=(1, 9),
        mark=Mark(frame=(2, 1), since_us=5, grace_us=6, time_frame=(2, 1), time_us=4, expired=True),
        closure=Closure(origin=ends.OPERATOR, request_us=7, username="olga", reason="why"),
    )
    text = stored_form.encode(state)
    assert '"ff":[1,2],"lf":[1,9]' in text
    assert (
        '"mark":{"fr":[2,1],"since_us":5,"grace_us":6,"time_frame":[2,1],"t":4,"expired":true},'
        '"closure":{"origin":4,"request_us":7,"username":"olga","reason":"why"}'
    ) in text
    assert stored_form.decode_state(text) == state
    record = EventRecord(kind=2, order_us=5, recorded_us=6, frame=(3, 4))
    assert stored_form.encode(record).endswith('"fr":[3,4]}')
    assert stored_form.decode_record(stored_form.encode(record)) == record
