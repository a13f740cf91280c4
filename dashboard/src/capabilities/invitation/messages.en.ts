export const en = {
  title: "Welcome",
  lead: "Set a password for your new account.",
  accept: "Set password",
  done: "Your account is ready.",
  signIn: "Sign in",
  missing: "This link has no invitation in it",
  missingText: "Open the whole link that you were sent, or ask for another invitation.",
};
