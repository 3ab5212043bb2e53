"""The fields of Kubernetes objects that a diagnosis reads, as slim frozen Structs.

Field names and meanings are those of the Kubernetes API v1 (k8s.io/api, core/v1, discovery/v1,
networking/v1, apps/v1). Every list is `| None`, since servers send `endpoints: null`; unknown fields
are ignored by msgspec, so a newer server's objects decode too.
"""

from __future__ import annotations

import msgspec

Labels = dict[str, str]


class Struct(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """The base of all API objects: frozen, keyword-only, camelCase on the wire.

    What is decoded from JSON and never changed is in no cycle, so that no garbage collector need look for any.
    """


class OwnerReference(Struct, frozen=True):
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


class ManagedFields(Struct, frozen=True):
    """Who last set fields of an object, and when. Which fields is left out: it is most of an object's bytes."""

    manager: str = ""
    operation: str = ""
    subresource: str = ""
    time: str | None = None


class Metadata(Struct, frozen=True):
    """metadata; timestamps stay RFC 3339 text."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int | None = None
    labels: Labels | None = None
    annotations: Labels | None = None
    owner_references: tuple[OwnerReference, ...] | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    managed_fields: tuple[ManagedFields, ...] | None = None


class LabelRequirement(Struct, frozen=True):
    key: str
    operator: str
    values: tuple[str, ...] | None = None


class LabelSelector(Struct, frozen=True):
    match_labels: Labels | None = None
    match_expressions: tuple[LabelRequirement, ...] | None = None


class ServicePort(Struct, frozen=True):
    port: int
    name: str = ""
    protocol: str = "TCP"
    target_port: int | str | None = None
    node_port: int | None = None
    app_protocol: str | None = None


class ClientIPConfig(Struct, frozen=True):
    timeout_seconds: int | None = None


class SessionAffinityConfig(Struct, frozen=True):
    client_ip: ClientIPConfig | None = msgspec.field(default=None, name="clientIP")


class ServiceSpec(Struct, frozen=True):
    type: str = "ClusterIP"
    selector: Labels | None = None
    ports: tuple[ServicePort, ...] | None = None
    cluster_ip: str | None = msgspec.field(default=None, name="clusterIP")
    cluster_ips: tuple[str, ...] | None = msgspec.field(default=None, name="clusterIPs")
    ip_families: tuple[str, ...] | None = None
    external_name: str | None = None
    publish_not_ready_addresses: bool | None = None
    internal_traffic_policy: str | None = None
    external_traffic_policy: str | None = None
    session_affinity: str | None = None
    session_affinity_config: SessionAffinityConfig | None = None
    external_ips: tuple[str, ...] | None = msgspec.field(default=None, name="externalIPs")
    load_balancer_source_ranges: tuple[str, ...] | None = None
    load_balancer_class: str | None = None
    health_check_node_port: int | None = None


class LoadBalancerIngress(Struct, frozen=True):
    """One address of a load balancer; `ip_mode` Proxy means that nodes must not answer for it (KEP-1860)."""

    ip: str | None = None
    hostname: str | None = None
    ip_mode: str | None = None


class LoadBalancerStatus(Struct, frozen=True):
    ingress: tuple[LoadBalancerIngress, ...] | None = None


class ServiceStatus(Struct, frozen=True):
    load_balancer: LoadBalancerStatus = LoadBalancerStatus()


class Service(Struct, frozen=True):
    metadata: Metadata
    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()


class EndpointConditions(Struct, frozen=True):
    """A missing condition is unknown; for `ready` the API says to take unknown as true."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class ObjectReference(Struct, frozen=True):
    kind: str = ""
    name: str = ""
    namespace: str = ""
    uid: str = ""


class SliceEndpoint(Struct, frozen=True):
    addresses: tuple[str, ...] | None = None
    conditions: EndpointConditions = EndpointConditions()
    node_name: str | None = None
    target_ref: ObjectReference | None = None


class SlicePort(Struct, frozen=True):
    name: str | None = None
    port: int | None = None
    protocol: str | None = None


class EndpointSlice(Struct, frozen=True):
    metadata: Metadata
    address_type: str = "IPv4"
    endpoints: tuple[SliceEndpoint, ...] | None = None
    ports: tuple[SlicePort, ...] | None = None


class ContainerPort(Struct, frozen=True):
    container_port: int
    name: str = ""
    protocol: str = "TCP"
    host_port: int | None = None
    host_ip: str | None = msgspec.field(default=None, name="hostIP")


class HttpGet(Struct, frozen=True):
    port: int | str
    path: str = "/"
    scheme: str = "HTTP"
    host: str = ""


class TcpSocket(Struct, frozen=True):
    port: int | str
    host: str = ""


class GrpcAction(Struct, frozen=True):
    port: int


class ExecAction(Struct, frozen=True):
    command: tuple[str, ...] | None = None


class Probe(Struct, frozen=True):
    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    grpc: GrpcAction | None = None
    exec: ExecAction | None = None
    initial_delay_seconds: int | None = None
    period_seconds: int | None = None
    timeout_seconds: int | None = None


class LifecycleHandler(Struct, frozen=True):
    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None


class Lifecycle(Struct, frozen=True):
    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None


class KeySelector(Struct, frozen=True):
    """One key of a ConfigMap or a Secret."""

    name: str = ""
    key: str = ""


class EnvironmentVariableSource(Struct, frozen=True):
    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None


class EnvironmentVariable(Struct, frozen=True):
    name: str
    value: str | None = None
    value_from: EnvironmentVariableSource | None = None


class ObjectName(Struct, frozen=True):
    name: str = ""


class EnvironmentSource(Struct, frozen=True):
    """envFrom: every key as a variable, `prefix` before its name."""

    prefix: str = ""
    config_map_ref: ObjectName | None = None
    secret_ref: ObjectName | None = None


class SecurityContext(Struct, frozen=True):
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None


class Resources(Struct, frozen=True):
    """Quantities; a manifest may write them as numbers."""

    requests: dict[str, str | int | float] | None = None
    limits: dict[str, str | int | float] | None = None


class Container(Struct, frozen=True):
    name: str = ""
    image: str = ""
    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    ports: tuple[ContainerPort, ...] | None = None
    env: tuple[EnvironmentVariable, ...] | None = None
    env_from: tuple[EnvironmentSource, ...] | None = None
    readiness_probe: Probe | None = None
    liveness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    restart_policy: str | None = None
    security_context: SecurityContext | None = None
    resources: Resources | None = None


class ReadinessGate(Struct, frozen=True):
    condition_type: str


class PodSystem(Struct, frozen=True):
    """spec.os: `linux` or `windows`."""

    name: str = ""


class PodDNSConfig(Struct, frozen=True):
    """spec.dnsConfig: what is added to the dnsPolicy's own servers and search list, or all there is with None."""

    nameservers: tuple[str, ...] | None = None
    searches: tuple[str, ...] | None = None


class PodSpec(Struct, frozen=True):
    containers: tuple[Container, ...] | None = None
    init_containers: tuple[Container, ...] | None = None
    node_name: str | None = None
    node_selector: Labels | None = None
    host_network: bool | None = None
    os: PodSystem | None = None
    readiness_gates: tuple[ReadinessGate, ...] | None = None
    runtime_class_name: str | None = None
    enable_service_links: bool | None = None
    dns_policy: str | None = None
    dns_config: PodDNSConfig | None = None
    security_context: SecurityContext | None = None


class ContainerStateRunning(Struct, frozen=True):
    started_at: str | None = None


class ContainerStateWaiting(Struct, frozen=True):
    reason: str = ""
    message: str = ""


class ContainerStateTerminated(Struct, frozen=True):
    exit_code: int = 0
    signal: int | None = None
    reason: str = ""
    message: str = ""
    started_at: str | None = None
    finished_at: str | None = None


class ContainerState(Struct, frozen=True):
    running: ContainerStateRunning | None = None
    waiting: ContainerStateWaiting | None = None
    terminated: ContainerStateTerminated | None = None


class ContainerStatus(Struct, frozen=True):
    name: str = ""
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    image: str = ""
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()


class Condition(Struct, frozen=True):
    type: str
    status: str = "Unknown"
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None
    observed_generation: int | None = None


class PodIP(Struct, frozen=True):
    ip: str = ""


class PodStatus(Struct, frozen=True):
    phase: str = ""
    reason: str = ""
    message: str = ""
    pod_ip: str | None = msgspec.field(default=None, name="podIP")
    pod_ips: tuple[PodIP, ...] | None = msgspec.field(default=None, name="podIPs")
    host_ip: str | None = msgspec.field(default=None, name="hostIP")
    conditions: tuple[Condition, ...] | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None
    init_container_statuses: tuple[ContainerStatus, ...] | None = None


class Pod(Struct, frozen=True):
    """A pod. `status` is None for a pod that a manifest's template promises but no kubelet reported."""

    metadata: Metadata
    spec: PodSpec = PodSpec()
    status: PodStatus | None = None


class PodTemplate(Struct, frozen=True):
    metadata: Metadata = Metadata()
    spec: PodSpec = PodSpec()


class WorkloadSpec(Struct, frozen=True):
    replicas: int | None = None
    selector: LabelSelector | None = None
    template: PodTemplate = PodTemplate()
    service_name: str | None = None


class WorkloadStatus(Struct, frozen=True):
    replicas: int | None = None
    ready_replicas: int | None = None
    conditions: tuple[Condition, ...] | None = None


class Workload(Struct, frozen=True):
    """A Deployment, ReplicaSet, StatefulSet, DaemonSet or Job; `kind` tells which."""

    kind: str
    metadata: Metadata
    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()


class PolicyPort(Struct, frozen=True):
    protocol: str | None = None
    port: int | str | None = None
    end_port: int | None = None


class IPBlock(Struct, frozen=True):
    cidr: str
    except_: tuple[str, ...] | None = msgspec.field(default=None, name="except")


class PolicyPeer(Struct, frozen=True):
    pod_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    ip_block: IPBlock | None = None


class IngressRule(Struct, frozen=True):
    from_: tuple[PolicyPeer, ...] | None = msgspec.field(default=None, name="from")
    ports: tuple[PolicyPort, ...] | None = None


class EgressRule(Struct, frozen=True):
    to: tuple[PolicyPeer, ...] | None = None
    ports: tuple[PolicyPort, ...] | None = None


class NetworkPolicySpec(Struct, frozen=True):
    pod_selector: LabelSelector = LabelSelector()
    policy_types: tuple[str, ...] | None = None
    ingress: tuple[IngressRule, ...] | None = None
    egress: tuple[EgressRule, ...] | None = None


class NetworkPolicy(Struct, frozen=True):
    metadata: Metadata
    spec: NetworkPolicySpec = NetworkPolicySpec()


class Namespace(Struct, frozen=True):
    metadata: Metadata


class ConfigMap(Struct, frozen=True):
    """`data` is text (a manifest may hold numbers by mistake); what is no UTF-8 stands in binaryData."""

    metadata: Metadata
    data: dict[str, str | int | float | bool | None] | None = None
    immutable: bool | None = None


class ContainerImage(Struct, frozen=True):
    names: tuple[str, ...] | None = None
    size_bytes: int | None = None


class NodeAddress(Struct, frozen=True):
    type: str
    address: str


class NodeStatus(Struct, frozen=True):
    conditions: tuple[Condition, ...] | None = None
    images: tuple[ContainerImage, ...] | None = None
    addresses: tuple[NodeAddress, ...] | None = None


class NodeSpec(Struct, frozen=True):
    unschedulable: bool | None = None
    pod_cidr: str | None = msgspec.field(default=None, name="podCIDR")
    pod_cidrs: tuple[str, ...] | None = msgspec.field(default=None, name="podCIDRs")
    provider_id: str | None = msgspec.field(default=None, name="providerID")


class Node(Struct, frozen=True):
    metadata: Metadata
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class Event(Struct, frozen=True):
    """A core/v1 Event; `count` is how often it was seen."""

    metadata: Metadata
    involved_object: ObjectReference = ObjectReference()
    reason: str = ""
    message: str = ""
    type: str = ""
    count: int | None = None
    last_timestamp: str | None = None
    event_time: str | None = None


KubernetesObject = Service | EndpointSlice | Pod | Workload | NetworkPolicy | Namespace | Node | Event | ConfigMap
