"""SiteService: the tree of sites as operators see it, between protobuf and rows."""

from functools import partial
from typing import Any

from csms.station.v1 import site_pb2
from csms.station.v1 import site_service_pb2 as pb
from csms.station.v1.site_service_pb2_grpc import SiteServiceServicer

from mesh.database import pages
from mesh.database.engine import Database
from mesh.database.filters import to_condition
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller, current_scope
from mesh.runtime.errors import invalid_field
from mesh.runtime.times import Clock
from station_svc.core.labels import check_labels
from station_svc.core.lists import page_of, storable
from station_svc.core.site_store import storable_site
from station_svc.features.sites import store
from station_svc.features.sites.rows import SiteRow
from station_svc.features.sites.rules import CHANGES, to_new_site, to_placement, to_site

_LABELS = "labels"


class SiteServicer(SiteServiceServicer):
    """Serves operators. A site that their permission does not cover does not exist for them."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def CreateSite(self, request: pb.CreateSiteRequest, context: Context) -> pb.CreateSiteResponse:
        """Adds a site."""
        del context
        new = to_new_site(request.site)
        storable_site(new.parent_site_id)
        row = await self._database.write(partial(store.create, new=new, now_us=self._clock(), **_mine()))
        return pb.CreateSiteResponse(site=_answer(row))

    async def GetSite(self, request: pb.GetSiteRequest, context: Context) -> pb.GetSiteResponse:
        """Reads one site."""
        del context
        read = partial(store.get, site_id=storable_site(request.site_id), **_mine())
        return pb.GetSiteResponse(site=_answer(await self._database.read(read)))

    async def ListSites(self, request: pb.ListSitesRequest, context: Context) -> pb.ListSitesResponse:
        """Lists sites, each before its parts."""
        del context
        condition = to_condition(request.filter, store.filters(current_caller().tenant_id))
        page = pages.page_of(request, (str,), binding=request.filter, condition=condition, default=200)
        rows = await self._database.read(partial(store.list_sites, page=page, **_mine()))
        rows, token = page.cut(rows, lambda row: (row.path,))
        return pb.ListSitesResponse(sites=map(_answer, rows), next_page_token=token)

    async def UpdateSite(self, request: pb.UpdateSiteRequest, context: Context) -> pb.UpdateSiteResponse:
        """Changes the named fields of a site."""
        del context
        given = request.site
        if not given.site_id:
            raise invalid_field("site.site_id", "is required")
        values: dict[str, Any] = {}
        labels = None
        for path in _paths(request):
            if path == _LABELS:
                labels = check_labels("site.labels", given.labels)
            elif path in CHANGES:
                values |= CHANGES[path](given)
            else:
                known = ", ".join([*CHANGES, _LABELS])
                raise invalid_field("update_mask", f"{path!r} cannot be changed; these can: {known}")
        update = partial(
            store.update,
            site_id=storable_site(given.site_id),
            values=values,
            labels=labels,
            now_us=self._clock(),
            **_mine(),
        )
        return pb.UpdateSiteResponse(site=_answer(await self._database.write(update)))

    async def MoveSite(self, request: pb.MoveSiteRequest, context: Context) -> pb.MoveSiteResponse:
        """Makes a site a part of another one."""
        del context
        move = partial(
            store.move,
            site_id=storable_site(request.site_id),
            parent_site_id=storable_site(request.parent_site_id),
            now_us=self._clock(),
            **_mine(),
        )
        return pb.MoveSiteResponse(site=_answer(await self._database.write(move)))

    async def DeleteSite(self, request: pb.DeleteSiteRequest, context: Context) -> pb.DeleteSiteResponse:
        """Removes a site."""
        del context
        delete = partial(store.delete, site_id=storable_site(request.site_id), now_us=self._clock(), **_mine())
        await self._database.write(delete)
        return pb.DeleteSiteResponse()

    async def ListStationPlacements(
        self, request: pb.ListStationPlacementsRequest, context: Context
    ) -> pb.ListStationPlacementsResponse:
        """Lists the sites that a station has stood in, newest first."""
        del context
        page = page_of(request, (int,))
        read = partial(store.list_placements, station_id=storable(request.station_id), page=page, **_mine())
        rows, token = page.cut(await self._database.read(read), lambda row: (row.version,))
        return pb.ListStationPlacementsResponse(placements=map(to_placement, rows), next_page_token=token)


def _mine() -> dict[str, Any]:
    """The caller's tenant, and the part of it that its permission covers."""
    return {"tenant_id": current_caller().tenant_id, "scope": current_scope()}


def _answer(row: SiteRow) -> site_pb2.Site:
    return to_site(row, current_scope())


def _paths(request: pb.UpdateSiteRequest) -> list[str]:
    """The fields to change; "*" means all that can be (AIP-161)."""
    every = [*CHANGES, _LABELS]
    if list(request.update_mask.paths) == ["*"]:
        return every
    given = request.site
    fields = {field.name for field, _value in given.ListFields()}
    return list(request.update_mask.paths) or [name for name in every if name in fields]
