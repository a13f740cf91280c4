import { useMutation } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { invalidate } from "../../api/queries";
import { readError } from "../../api/errors";
import type { Site } from "../../stubs/csms/station/v1/site_pb";
import { SiteService } from "../../stubs/csms/station/v1/site_service_pb";
import { Button, Dialog, ErrorState, IconButton, TextField, toast } from "../../ui";
import { fromRows, keyFault, toRows, type LabelRow } from "./labels";
import styles from "./sites.module.css";
import { useText } from "./text";
import { nameOf } from "./tree";

const { method } = SiteService;

/** The labels of a site: they hold for its parts and the stations there, too. */
export function LabelsDialog(props: { site: Site; onClose: () => void }) {
  const t = useText();
  const client = useQueryClient();
  const { site, onClose } = props;
  const [rows, setRows] = useState<readonly LabelRow[]>(() => toRows(site.labels));
  const update = useMutation(method.updateSite, {
    onSuccess: () => {
      invalidate(client, method.listSites);
      toast(t.labelsSaved);
      onClose();
    },
  });
  const change = (index: number, changes: Partial<LabelRow>) => {
    setRows(rows.map((row, place) => (place === index ? { ...row, ...changes } : row)));
  };
  const faults = rows.map((_, index) => keyFault(rows, index));
  const save = () => {
    update.mutate({ site: { siteId: site.siteId, labels: fromRows(rows) }, updateMask: { paths: ["labels"] } });
  };
  return (
    <Dialog
      title={`${t.labels}: ${nameOf(site)}`}
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>{t.cancel}</Button>
          <Button kind="primary" isDisabled={faults.some(Boolean)} isPending={update.isPending} onPress={save}>
            {t.saveLabels}
          </Button>
        </>
      }
    >
      <p>{t.labelsText}</p>
      <div className={styles.labelRows}>
        {rows.map((row, index) => {
          const fault = faults[index];
          return (
            <div key={index} className={styles.labelRow}>
              <TextField
                label={t.labelKey}
                value={row.key}
                error={fault && t.labelFaults[fault]}
                onChange={(key) => {
                  change(index, { key });
                }}
              />
              <TextField
                label={t.labelValue}
                value={row.value}
                onChange={(value) => {
                  change(index, { value });
                }}
              />
              <IconButton
                label={t.removeLabel(row.key)}
                icon="trash"
                onPress={() => {
                  setRows(rows.filter((_, place) => place !== index));
                }}
              />
            </div>
          );
        })}
      </div>
      <Button
        small
        icon="plus"
        onPress={() => {
          setRows([...rows, { key: "", value: "" }]);
        }}
      >
        {t.addLabel}
      </Button>
      {update.error && <ErrorState inline title={readError(update.error).message} error={update.error} />}
    </Dialog>
  );
}
