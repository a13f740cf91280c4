// Comments of the contract: paragraphs, lists, and words between backticks.
import { Fragment, type ReactNode } from "react";

function inline(text: string): ReactNode {
  return text
    .split("`")
    .map((part, index) => (index % 2 ? <code key={index}>{part}</code> : <Fragment key={index}>{part}</Fragment>));
}

export function Text(props: { text: string }) {
  const blocks = props.text.split(/\n{2,}/).filter(Boolean);
  return blocks.map((block, index) => {
    const lines = block.split("\n");
    if (lines.every((line) => line.startsWith("- "))) {
      return (
        <ul key={index}>
          {lines.map((line) => (
            <li key={line}>{inline(line.slice(2))}</li>
          ))}
        </ul>
      );
    }
    return <p key={index}>{inline(block.replaceAll("\n", " "))}</p>;
  });
}
