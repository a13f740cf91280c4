import { defineCapability } from "../../shell/capability";

export const capability = defineCapability({
  name: "sign_in",
  routes: [{ path: "/sign-in", load: () => import("./SignInPage"), isPublic: true }],
});
