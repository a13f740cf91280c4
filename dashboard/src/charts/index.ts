export { LineChart, type ChartMark, type ChartSeries, type LineChartProps } from "./LineChart";
export { chartData, type ChartPoint } from "./series";
