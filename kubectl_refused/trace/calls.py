"""The doors of what the API server calls: each webhook, or an APIService, with its Service. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.model.entrances import Call
from kubectl_refused.model.registrations import (
    HTTPS,
    APIService,
    MutatingWebhookConfiguration,
    Registration,
    ServiceReference,
    ValidatingWebhookConfiguration,
    Webhook,
    WebhookConfiguration,
)
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import CALLED, Target


def is_called(target: Target) -> bool:
    """Whether the API server is its client."""
    return target.kind in CALLED


def call_doors(target: Target, snapshot: Snapshot) -> Iterator[Call]:
    """Those of an APIService, of a configuration by its name, or of the webhooks that have that name."""
    for owner in configurations(snapshot):
        for at, webhook in enumerate(owner.webhooks or ()):
            if target.kind == "Webhook" and target.name in (owner.metadata.name, webhook.name):
                yield _of_webhook(owner, at, webhook)
    found = snapshot.objects.get(("APIService", "", target.name))
    if target.kind == "APIService" and isinstance(found, APIService) and found.spec.service:
        service = found.spec.service
        yield _call(found, "spec.service", found.metadata.name, service, found.spec.ca_bundle)


def configurations(snapshot: Snapshot) -> Iterator[WebhookConfiguration]:
    """Every webhook configuration that was read."""
    for value in snapshot.objects.values():
        if isinstance(value, ValidatingWebhookConfiguration | MutatingWebhookConfiguration):
            yield value


def _of_webhook(owner: WebhookConfiguration, at: int, webhook: Webhook) -> Call:
    config, field = webhook.client_config, f"webhooks[{at}].clientConfig"
    if config.service is not None:
        return _call(owner, f"{field}.service", webhook.name, config.service, config.ca_bundle)
    url = config.url or ""
    return Call(owner, f"{field}.url", webhook.name, "", "", url, None, kind="URL", ca_bundle=config.ca_bundle)


def _call(owner: Registration, field: str, name: str, service: ServiceReference, bundle: str | None) -> Call:
    return Call(
        owner=owner,
        field=field,
        host=name,
        path=(service.path or "").rstrip("/"),
        namespace=service.namespace,
        service=service.name,
        port=service.port or HTTPS,
        ca_bundle=bundle,
    )
