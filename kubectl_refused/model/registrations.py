"""What the API server itself calls: admission webhooks, and aggregated API servers, as slim frozen Structs.

Field names and meanings are those of admissionregistration.k8s.io/v1 and apiregistration.k8s.io/v1.
"""

from __future__ import annotations

import msgspec

from .objects import Condition, Metadata, Struct

HTTPS = 443  # what both APIs take where no port is said


class ServiceReference(Struct, frozen=True):
    namespace: str = ""
    name: str = ""
    path: str | None = None
    port: int | None = None


class ClientConfig(Struct, frozen=True):
    """Where a webhook is: a Service, or a URL outside."""

    service: ServiceReference | None = None
    url: str | None = None
    ca_bundle: str | None = None


class Webhook(Struct, frozen=True):
    name: str = ""
    client_config: ClientConfig = ClientConfig()
    failure_policy: str | None = None
    timeout_seconds: int | None = None


class Registration(Struct, frozen=True):
    """What the kinds have in common."""

    metadata: Metadata


class ValidatingWebhookConfiguration(Registration, frozen=True):
    webhooks: tuple[Webhook, ...] | None = None


class MutatingWebhookConfiguration(Registration, frozen=True):
    webhooks: tuple[Webhook, ...] | None = None


class APIServiceSpec(Struct, frozen=True):
    """Without a `service` the API server serves it itself."""

    service: ServiceReference | None = None
    group: str | None = None
    version: str | None = None
    ca_bundle: str | None = None
    insecure_skip_tls_verify: bool | None = msgspec.field(default=None, name="insecureSkipTLSVerify")


class APIServiceStatus(Struct, frozen=True):
    conditions: tuple[Condition, ...] | None = None


class APIService(Registration, frozen=True):
    spec: APIServiceSpec = APIServiceSpec()
    status: APIServiceStatus = APIServiceStatus()


WebhookConfiguration = ValidatingWebhookConfiguration | MutatingWebhookConfiguration
