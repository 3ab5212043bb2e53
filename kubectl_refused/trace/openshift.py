"""The doors of an OpenShift Route, and the Service's port behind one. Pure.

The router takes the endpoints whose port has that name or number; without a port it takes all of them
(https://github.com/openshift/router, pkg/router/controller/endpoints and template/router.go).
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.model.entrances import Door
from kubectl_refused.model.objects import Service, ServicePort
from kubectl_refused.model.openshift import OpenShiftRoute


def openshift_doors(route: OpenShiftRoute) -> Iterator[Door]:
    """Each backend that gets requests."""
    spec = route.spec
    others = ((f"spec.alternateBackends[{at}]", one) for at, one in enumerate(spec.alternate_backends or ()))
    for field, target in (("spec.to", spec.to), *others):
        if target.weight != 0:
            yield Door(
                owner=route,
                field=field,
                host=spec.host,
                path=spec.path,
                namespace=route.metadata.namespace,
                service=target.name,
                port=spec.port.target_port if spec.port else None,
                weight=100 if target.weight is None else target.weight,
                kind=target.kind or "Service",
            )


def port_behind(door: Door, service: Service) -> ServicePort | None:
    """The Service's port whose endpoints the router takes; of a number that may be written as text too."""
    ports = [one for one in service.spec.ports or () if one.protocol == "TCP"]
    if door.port is None:
        return ports[0] if ports else None
    asked = str(door.port)
    named = next((one for one in ports if one.name == asked), None)
    return named or next((one for one in ports if str(one.target_port or one.port) == asked), None)
