import type { ReactNode } from "react";

import { enumColumn, SectionList, textColumn, timeColumn } from "../../resources";
import { CommandService } from "../../stubs/csms/station/v1/command_service_pb";
import {
  CustomerInformationService,
  CustomerReportSchema,
  type CustomerReport,
} from "../../stubs/csms/station/v1/customer_information_service_pb";
import { PartialReportState, PartialReportStateSchema } from "../../stubs/csms/station/v1/partial_report_pb";
import { EmptyState } from "../../ui";
import { useText } from "./text";

const { method } = CustomerInformationService;

function driverOf(row: CustomerReport): string {
  return row.idToken?.idToken || row.customerIdentifier || row.customerCertificate?.serialNumber || "";
}

/** Reports of a station about drivers, the latest first. */
export default function CustomersTab(props: { stationId: string }): ReactNode {
  const t = useText();
  const { stationId } = props;
  return (
    <SectionList
      name="customerReports"
      label={t.title}
      method={method.listCustomerReports}
      field="customerReports"
      request={{ stationId }}
      schema={CustomerReportSchema}
      rowKey={(row) => String(row.report?.reportId)}
      rowName={driverOf}
      columns={[
        enumColumn<CustomerReport>("state", t.state, PartialReportStateSchema, (row) => row.report?.state ?? 0, {
          [PartialReportState.COMPLETE]: "good",
          [PartialReportState.INCOMPLETE]: "bad",
        }),
        textColumn<CustomerReport>("report", t.report, (row) => String(row.report?.reportId), { width: "100px" }),
        textColumn<CustomerReport>("driver", t.driver, driverOf, { card: "head" }),
        textColumn<CustomerReport>("data", t.data, (row) => row.data, { width: "minmax(240px, 3fr)" }),
        timeColumn<CustomerReport>("asked", t.asked, (row) => row.report?.createTime),
      ]}
      creates={[
        {
          method: CommandService.method.customerInformation,
          label: t.request,
          icon: "plus",
          fixed: () => ({ stationId }),
          keepsAnswer: true,
        },
      ]}
      live={{
        filter: { types: ["station.report_received"], stationId },
        keyOf: (event) => event.id,
        apply: () => "reload",
      }}
      empty={
        <EmptyState title={t.empty} icon="user">
          <p>{t.emptyText}</p>
        </EmptyState>
      }
    />
  );
}
