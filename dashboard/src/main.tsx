import "./ui/theme.css";

import { start } from "./shell/start";

const root = document.getElementById("root");
if (root) start(root);
