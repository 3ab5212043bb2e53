"""A file of Deployments and Services as a chart writes them, of any number; some of them are wrong."""

from __future__ import annotations

from collections.abc import Iterator

# Of a hundred Services one selects nobody, one names a port that no container has.
TYPO, NO_SUCH_PORT = 17, 37
BOTH = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-{number:05}
  namespace: team-{space:03}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web-{number:05}}}}}
  template:
    metadata: {{labels: {{app: web-{number:05}}}}}
    spec:
      containers:
      - name: web
        image: registry.example/web:1.{patch}.0
        ports: [{{name: http, containerPort: 8080}}]
        readinessProbe: {{httpGet: {{path: /ready, port: http}}}}
        resources:
          requests: {{cpu: 100m, memory: 128Mi}}
          limits: {{memory: 256Mi}}
---
apiVersion: v1
kind: Service
metadata:
  name: web-{number:05}
  namespace: team-{space:03}
spec:
  selector: {{app: {selected}}}
  ports:
  - {{name: http, port: 80, targetPort: {port}}}
---
"""


def manifests(services: int) -> Iterator[str]:
    """The parts of the file, one for each Service."""
    for number in range(services):
        fault = number % 100
        selected = f"wbe-{number:05}" if fault == TYPO else f"web-{number:05}"
        port = "htpp" if fault == NO_SUCH_PORT else "http"
        yield BOTH.format(number=number, space=number // 50, patch=number % 40, selected=selected, port=port)


def faults(services: int) -> int:
    """How many Services in it cannot work."""
    return sum(number % 100 in (TYPO, NO_SUCH_PORT) for number in range(services))
