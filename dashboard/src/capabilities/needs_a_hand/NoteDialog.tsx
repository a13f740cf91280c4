import { useQueryClient } from "@tanstack/react-query";

import { MethodForm } from "../../forms";
import type { Condition } from "../../stubs/csms/condition/v1/condition_pb";
import { ConditionService } from "../../stubs/csms/condition/v1/condition_service_pb";
import { Dialog, toast } from "../../ui";
import { useHandText } from "./text";
import { moveCondition } from "./useConditions";

const { acknowledgeCondition } = ConditionService.method;

/** Acknowledges a condition with a note. */
export default function NoteDialog(props: { condition: Condition; onClose: () => void }) {
  const t = useHandText();
  const client = useQueryClient();
  return (
    <Dialog title={t.acknowledgeNote} isOpen onClose={props.onClose}>
      <MethodForm
        method={acknowledgeCondition}
        fixed={{ conditionId: props.condition.conditionId }}
        action={t.acknowledge}
        answer={false}
        onDone={() => {
          toast(t.acknowledged);
          props.onClose();
          moveCondition(client, props.condition.conditionId);
        }}
      />
    </Dialog>
  );
}
