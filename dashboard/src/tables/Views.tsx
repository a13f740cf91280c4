// The menu of saved views: choose one, save the present one, delete one.
import { useState } from "react";
import { useLocation, useSearch } from "wouter";

import { Button, Dialog, MenuButton, TextField, type MenuEntry } from "../ui";
import { useTableText } from "./text";
import { deleteView, saveView, useViews } from "./views";

export function Views(props: { list: string }) {
  const t = useTableText();
  const search = useSearch();
  const [path, navigate] = useLocation();
  const views = useViews(props.list);
  const [naming, setNaming] = useState(false);
  const [name, setName] = useState("");
  const current = views.find((view) => view.search === search);
  const entries: MenuEntry[] = [
    {
      id: "standard",
      label: t.resetView,
      checked: search === "",
      onAction: () => {
        navigate(path);
      },
    },
    ...views.map((view) => ({
      id: `view ${view.name}`,
      label: view.name,
      checked: view === current,
      onAction: () => {
        navigate(`${path}?${view.search}`);
      },
    })),
    {
      id: "save",
      label: t.saveView,
      icon: "plus",
      separated: true,
      isDisabled: search === "",
      onAction: () => {
        setNaming(true);
      },
    },
    ...(current
      ? [
          {
            id: "delete",
            label: t.deleteView(current.name),
            icon: "trash" as const,
            danger: true,
            onAction: () => {
              deleteView(props.list, current.name);
            },
          },
        ]
      : []),
  ];
  const close = () => {
    setNaming(false);
    setName("");
  };
  const save = () => {
    if (name.trim()) saveView(props.list, { name: name.trim(), search });
    close();
  };
  return (
    <>
      <MenuButton label={t.views} text={current?.name ?? t.views} icon="filter" entries={entries} />
      <Dialog
        title={t.saveView}
        isOpen={naming}
        onClose={close}
        actions={
          <Button kind="primary" onPress={save}>
            {t.save}
          </Button>
        }
      >
        <TextField label={t.viewName} value={name} onChange={setName} startsFocused isRequired />
      </Dialog>
    </>
  );
}
