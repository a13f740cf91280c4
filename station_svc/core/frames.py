"""Origins of the items that gateways report, from protobuf."""

from csms.common.v1 import origin_pb2

from mesh.runtime.times import from_timestamp
from station_svc.core.rows import Frame


def to_frame(origin: origin_pb2.Origin) -> Frame:
    """The frame that an item came with."""
    return Frame(
        tenant_id=origin.tenant_id,
        station_id=origin.station_id,
        epoch=origin.epoch,
        ordinal=origin.ordinal,
        receive_us=from_timestamp(origin.receive_time),
    )
