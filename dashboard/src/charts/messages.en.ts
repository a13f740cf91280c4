export const en = {
  asTable: "As a table",
  asChart: "As a chart",
  time: "Time",
  described: (label: string) => `${label}: a chart. Its figures are in the table.`,
};
