import { type EvChargingNeeds } from "../../stubs/csms/station/v1/ev_charging_pb";

/** The most that a vehicle takes, such as "16 A" or "50 kW"; empty where it does not say. */
export function mostOf(needs: EvChargingNeeds | undefined, language: string): string {
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const dc = needs?.dcParameters;
  if (dc !== undefined) {
    const watts = dc.maxPowerW ?? dc.maxCurrentA * dc.maxVoltageV;
    return watts > 0 ? `${number.format(watts / 1000)} kW` : "";
  }
  const amperes = needs?.acParameters?.maxCurrentA ?? 0;
  return amperes > 0 ? `${number.format(amperes)} A` : "";
}

/** The energy that a vehicle needs, in kWh; empty where it does not say. */
export function energyOf(needs: EvChargingNeeds | undefined, language: string): string {
  const wattHours = needs?.dcParameters?.energyWh ?? needs?.acParameters?.energyWh;
  if (wattHours === undefined) {
    return "";
  }
  const number = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return `${number.format(wattHours / 1000)} kWh`;
}
