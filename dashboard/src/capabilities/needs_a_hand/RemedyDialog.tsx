import { useQueryClient } from "@tanstack/react-query";

import { useFormats } from "../../formats";
import { MethodForm } from "../../forms";
import type { Condition } from "../../stubs/csms/condition/v1/condition_pb";
import { Dialog, toast } from "../../ui";
import styles from "./hand.module.css";
import type { OfferedRemedy } from "./remedies";
import { useHandText } from "./text";
import { readConditionsAnew } from "./useConditions";
import { kindWord, placeText, whyText } from "./words";

/** The remedy as a form that is filled in: it names the thing, asks what is missing, and shows the answer. */
export default function RemedyDialog(props: { condition: Condition; remedy: OfferedRemedy; onClose: () => void }) {
  const t = useHandText();
  const formats = useFormats();
  const client = useQueryClient();
  const { condition, remedy } = props;
  const place = placeText(condition, t);
  const where = [condition.stationId, place].filter(Boolean).join(" · ");
  return (
    <Dialog title={`${remedy.label}: ${where || condition.idToken}`} isOpen onClose={props.onClose}>
      <p className={styles.explain}>
        <strong>{kindWord(t, condition.kind)}.</strong> {whyText(condition, t, formats)}
      </p>
      <MethodForm
        method={remedy.method}
        fixed={remedy.fixed}
        initial={remedy.initial}
        action={remedy.label}
        onDone={() => {
          toast(t.remedyDone);
          readConditionsAnew(client);
        }}
      />
    </Dialog>
  );
}
