import { useMutation } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { invalidate } from "../../api/queries";
import type { Site } from "../../stubs/csms/station/v1/site_pb";
import { SiteService } from "../../stubs/csms/station/v1/site_service_pb";
import { Button, Dialog, ErrorState, Select, toast } from "../../ui";
import { useText } from "./text";
import { nameOf, pathText, possibleParents } from "./tree";

const { method } = SiteService;
const TOP = "*";

/** Moves a site with its parts and stations into another one, or to the top. */
export function MoveDialog(props: { site: Site; sites: readonly Site[]; onClose: () => void }) {
  const t = useText();
  const client = useQueryClient();
  const { site, sites, onClose } = props;
  const [parent, setParent] = useState("");
  const names = new Map(sites.map((one) => [one.siteId, nameOf(one)]));
  const move = useMutation(method.moveSite, {
    onSuccess: () => {
      invalidate(client, method.listSites);
      toast(t.moved(nameOf(site), parent === TOP ? t.top : (names.get(parent) ?? parent)));
      onClose();
    },
  });
  const options = [
    ...(site.parentSiteId ? [{ id: TOP, label: t.top }] : []),
    ...possibleParents(sites, site)
      .map((one) => ({ id: one.siteId, label: pathText(one, names) }))
      .sort((a, b) => a.label.localeCompare(b.label)),
  ];
  return (
    <Dialog
      title={`${t.move}: ${nameOf(site)}`}
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>{t.cancel}</Button>
          <Button
            kind="primary"
            isDisabled={!parent}
            isPending={move.isPending}
            onPress={() => {
              move.mutate({ siteId: site.siteId, parentSiteId: parent === TOP ? "" : parent });
            }}
          >
            {t.move}
          </Button>
        </>
      }
    >
      <p>{t.moveText}</p>
      <Select label={t.moveTo} placeholder={t.moveTo} options={options} value={parent} onChange={setParent} />
      {move.error && <ErrorState inline error={move.error} />}
    </Dialog>
  );
}
