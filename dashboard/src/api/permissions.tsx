// The permissions of the caller, so that nothing is offered that the mesh would refuse.
import type { DescMethod } from "@bufbuild/protobuf";
import { createContext, use, useMemo, type ReactNode } from "react";
import { useQuery } from "@connectrpc/connect-query";

import { UserService, type User } from "../stubs/csms/auth/v1/user_service_pb";
import type { Permission } from "../stubs/csms/options/v1/options_pb";
import { permissionOf } from "./methods";
import { grantsOf, type Grants } from "./grants";

export interface Permissions {
  /** Whether the caller has the permission, in the whole tenant or in a part of it. */
  has: (permission: Permission) => boolean;
  /** Whether the caller has it in the whole tenant. */
  hasEverywhere: (permission: Permission) => boolean;
  /** Whether the caller may call the method, somewhere at least. */
  can: (method: DescMethod) => boolean;
  user: User | undefined;
}

function permissionsOf(grants: Grants, user: User | undefined): Permissions {
  const has = (permission: Permission) => grants.everywhere.has(permission) || grants.somewhere.has(permission);
  return {
    has,
    hasEverywhere: (permission) => grants.everywhere.has(permission),
    can: (method) => {
      const permission = permissionOf(method);
      return permission === undefined || has(permission);
    },
    user,
  };
}

const PermissionsContext = createContext<Permissions | undefined>(undefined);

/** Loads the caller's permissions; shows `fallback` until they are known. */
export function PermissionsProvider(props: {
  children: ReactNode;
  fallback: ReactNode;
  failure: (error: unknown, retry: () => void) => ReactNode;
}) {
  const verified = useQuery(UserService.method.verify, {}, { staleTime: Infinity });
  const answer = verified.data;
  const permissions = useMemo(() => answer && permissionsOf(grantsOf(answer), answer.user), [answer]);
  if (permissions) return <PermissionsContext value={permissions}>{props.children}</PermissionsContext>;
  if (verified.error) return props.failure(verified.error, () => void verified.refetch());
  return props.fallback;
}

export function usePermissions(): Permissions {
  const permissions = use(PermissionsContext);
  if (!permissions) throw new Error("usePermissions is used inside of PermissionsProvider");
  return permissions;
}
