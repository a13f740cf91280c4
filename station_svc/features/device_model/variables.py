"""Variables as operators see them, from rows."""

from csms.common.v1 import evse_pb2
from csms.station.v1 import station_pb2

from mesh.contract.standard_variables import standard_of
from mesh.runtime.times import to_timestamp
from station_svc.core.station_rows import VariableRow
from station_svc.features.device_model.rows import ChangeRow


def to_variable(row: VariableRow) -> station_pb2.Variable:
    """A variable with all that is known of it."""
    variable = to_name(row)
    variable.value = row.value or ""
    variable.update_time.CopyFrom(to_timestamp(row.update_us))
    variable.mutability = station_pb2.Mutability.ValueType(row.mutability)
    variable.reboot_required = row.reboot_required
    variable.drifted = row.drifted
    for name in ("readonly", "persistent", "constant", "wished_value"):
        if (stated := getattr(row, name)) is not None:
            setattr(variable, name, stated)
    if (standard := standard_of(row.component, row.variable)) is not None:
        variable.standard_component = standard.component
        variable.standard_variable = standard.variable
        variable.standard_variable_instance = standard.instance
    if row.data_type:
        variable.characteristics.CopyFrom(_to_characteristics(row))
    return variable


def to_name(row: VariableRow | ChangeRow) -> station_pb2.Variable:
    """A variable by its names alone."""
    variable = station_pb2.Variable(
        component=row.component,
        component_instance=row.component_instance,
        variable=row.variable,
        variable_instance=row.variable_instance,
        attribute_type=row.attribute_type,
    )
    if row.evse_id:
        variable.evse.CopyFrom(evse_pb2.EvseRef(evse_id=row.evse_id, connector_id=row.connector_id))
    return variable


def _to_characteristics(row: VariableRow) -> station_pb2.VariableCharacteristics:
    return station_pb2.VariableCharacteristics(
        unit=row.unit,
        data_type=station_pb2.VariableDataType.ValueType(row.data_type),
        min_limit=row.min_limit,
        max_limit=row.max_limit,
        values_list=row.values_list,
        supports_monitoring=bool(row.supports_monitoring),
    )
