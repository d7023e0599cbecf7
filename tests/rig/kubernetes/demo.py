# SPDX-License-Identifier: Apache-2.0
"""demo.py: prints the demo workloads of three teams as one List. The annotation rig/fake
says how fake nodes act a pod; a real node runs what the container says."""
import json

IMAGE = "rig.local/busybox:1"
items = []


def labels(team, app, component="server", version="2026.11.1"):
    return {"app.kubernetes.io/name": app, "app.kubernetes.io/instance": app,
            "app.kubernetes.io/component": component, "app.kubernetes.io/part-of": team,
            "app.kubernetes.io/version": version,
            "app.kubernetes.io/managed-by": "rig", "team": team, "backstage.io/kubernetes-id": app}


def container(name, script, image=IMAGE, **more):
    return {"name": name, "image": image, "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script],
            "resources": {"requests": {"cpu": "10m", "memory": "8Mi"}, "limits": {"memory": "32Mi"}}, **more}


def template(team, app, containers, fake=None, **more):
    return {"metadata": {"labels": labels(team, app), "annotations": {"rig/fake": fake} if fake else {}},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": containers, **more}}


def selector(app):
    return {"matchLabels": {"app.kubernetes.io/name": app}}


def add(api, kind, team, app, spec, annotations=None):
    items.append({"apiVersion": api, "kind": kind, "spec": spec, "metadata": {
        "name": app, "namespace": team, "labels": labels(team, app), "annotations": annotations or {}}})


def deployment(team, app, replicas, containers, fake=None, spec=None, annotations=None, **more):
    add("apps/v1", "Deployment", team, app, {
        "replicas": replicas, "revisionHistoryLimit": 10, "selector": selector(app),
        "progressDeadlineSeconds": 30, "template": template(team, app, containers, fake, **more), **(spec or {})},
        annotations)


LOGS = ('i=0; trap "exit 0" TERM; while :; do i=$((i+1));'
        ' echo "ts=$(date -u +%FT%TZ) level=info request=$i path=/api/v1/orders status=200";'
        ' [ $((i%10)) != 0 ] || echo "level=error request=$i status=500 error=\\"upstream timed out\\"" >&2;'
        ' sleep 0.5; done')
WEB = 'echo "hello from $(hostname)" >/www/index.html; exec httpd -f -v -p 8080 -h /www'
HTTP = [{"name": "http", "containerPort": 8080}]
READY = {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 2}

for team in ("payments", "storefront", "platform"):
    items.append({"apiVersion": "v1", "kind": "Namespace",
                  "metadata": {"name": team, "labels": {"team": team}}})

deployment("payments", "checkout", 3, [container("server", LOGS)])
deployment("payments", "ledger", 2, [container("server", LOGS)],
           annotations={"kubernetes.io/change-cause": "release 1"})
deployment("payments", "fraud", 1, fake="crash", containers=[
    container("server", 'echo "panic: no database at db:5432" >&2; sleep 1; exit 3')])
deployment("payments", "reports", 1, [container("server", "echo loading; tail /dev/zero",
           resources={"limits": {"memory": "16Mi"}})], fake="oom")
add("apps/v1", "StatefulSet", "payments", "db", {
    "replicas": 2, "serviceName": "db", "selector": selector("db"),
    "template": template("payments", "db", [container("postgres", LOGS)])})
add("batch/v1", "CronJob", "payments", "settlement", {
    "schedule": "* * * * *", "successfulJobsHistoryLimit": 3, "jobTemplate": {
        "metadata": {"labels": labels("payments", "settlement")},
        "spec": {"backoffLimit": 1, "template": template("payments", "settlement", [
            container("job", "echo settling; sleep 3; echo done: 42 rows")], restartPolicy="Never")}}})

deployment("storefront", "web", 3, [
    container("httpd", WEB, ports=HTTP, readinessProbe=READY),
    container("sidecar", 'while :; do echo "sidecar $(date)" >&2; sleep 5; done')],
    initContainers=[container("migrate", "echo migrated")])
add("v1", "Service", "storefront", "web", {
    "selector": selector("web")["matchLabels"],
    "ports": [{"name": "http", "port": 80, "targetPort": "http"}]})
deployment("storefront", "search", 2, [container("server", WEB, ports=HTTP, readinessProbe={
    "httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 2})], fake="unready")
deployment("storefront", "cart", 1, fake="image", containers=[
    container("server", WEB, image="registry.invalid/storefront/cart:2026.11.0")])
add("autoscaling/v2", "HorizontalPodAutoscaler", "storefront", "web", {"minReplicas": 2, "maxReplicas": 6,
    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
    "metrics": [{"type": "Resource", "resource": {
        "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 400}}}]})

deployment("platform", "gpu-trainer", 1, [container("server", LOGS, resources={"requests": {"cpu": "640"}})])
deployment("platform", "gateway", 2, [container("server", WEB, ports=HTTP, livenessProbe=READY)])
add("policy/v1", "PodDisruptionBudget", "platform", "gateway", {
    "minAvailable": 1, "selector": selector("gateway")})
deployment("platform", "slow-stop", 1, [container("server", "trap : TERM; while :; do sleep 1; done")])
items[-1]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 20
add("apps/v1", "DaemonSet", "platform", "log-agent", {"selector": selector("log-agent"),
    "template": template("platform", "log-agent", [container("agent", LOGS)])})
add("batch/v1", "Job", "platform", "migrate", {
    "backoffLimit": 2, "template": template("platform", "migrate", [
        container("job", 'echo "error: table users is locked" >&2; exit 1')], "fail", restartPolicy="Never")})
items.append({"apiVersion": "v1", "kind": "ConfigMap",
              "metadata": {"name": "features", "namespace": "platform"},
              "data": {"flags.yaml": "search: true\ncart: false\n"}})
items.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "payments"},
              "stringData": {"url": "postgres://rig:not-a-real-password@db:5432/ledger"}})
print(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
