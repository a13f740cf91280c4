import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.ROLLOUTS_READ];

export const capability = defineCapability({
  name: "rollouts",
  routes: [
    { path: "/rollouts", load: () => import("./RolloutsPage"), needs },
    { path: "/rollouts/:rolloutId", load: () => import("./RolloutPage"), needs },
  ],
  navigation: [
    { path: "/rollouts", label: { en: "Rollouts", de: "Rollouts" }, icon: "rollout", order: 50, shortcut: "o", needs },
  ],
});
