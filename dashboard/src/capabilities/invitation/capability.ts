import { defineCapability } from "../../shell/capability";

export const capability = defineCapability({
  name: "invitation",
  routes: [{ path: "/invitation", load: () => import("./InvitationPage"), isPublic: true }],
});
