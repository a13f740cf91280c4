"""Events of the tree of sites."""

from mesh.events.outbox import OutboxEvent


def changed(
    kind: str,
    *,
    tenant_id: str,
    site_id: str,
    parent_site_id: str,
    former_parent: str | None,
    version: int,
    now_us: int,
) -> OutboxEvent:
    """A change of a site: `kind` is created, updated, moved or deleted; `version` sets it apart from others."""
    data = {"siteId": site_id, "parentSiteId": parent_site_id}
    if former_parent is not None:
        data["formerParentSiteId"] = former_parent
    return OutboxEvent(
        event_id=f"site.{kind}:{site_id}:{version}",
        tenant_id=tenant_id,
        type=f"site.{kind}",
        station_id="",
        event_time_us=now_us,
        data=data,
    )
