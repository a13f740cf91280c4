import type { VerifyResponse } from "../stubs/csms/auth/v1/user_service_pb";
import type { Permission } from "../stubs/csms/options/v1/options_pb";

export interface Grants {
  /** Permissions in the whole tenant. */
  everywhere: ReadonlySet<Permission>;
  /** Permissions in the subtree of a site at least. */
  somewhere: ReadonlySet<Permission>;
}

export function grantsOf(answer: Pick<VerifyResponse, "grants">): Grants {
  const everywhere = new Set<Permission>();
  const somewhere = new Set<Permission>();
  for (const grant of answer.grants) {
    for (const permission of grant.permissions) (grant.siteId ? somewhere : everywhere).add(permission);
  }
  return { everywhere, somewhere };
}
