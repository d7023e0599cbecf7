# SPDX-License-Identifier: Apache-2.0
"""images.py BUSYBOX OUT: an archive of two images made of one static busybox: pause, and
rig.local/busybox under three tags."""
import hashlib
import io
import json
import subprocess
import sys
import tarfile

busybox, out = sys.argv[1:3]


def add(tar, name, data=None, link=None, mode=0o755, kind=None):
    info = tarfile.TarInfo(name)
    info.mode = mode
    if link:
        info.type, info.linkname = tarfile.SYMTYPE, link
    elif data is None:
        info.type = kind or tarfile.DIRTYPE
    else:
        info.size = len(data)
    tar.addfile(info, io.BytesIO(data) if data is not None else None)


with open(busybox, "rb") as f:
    binary = f.read()
layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode="w") as tar:
    for folder in ("bin", "etc", "root", "proc", "sys", "dev", "www"):
        add(tar, folder)
    add(tar, "tmp", mode=0o1777)
    add(tar, "bin/busybox", binary)
    for applet in subprocess.check_output([busybox, "--list"], text=True).split():
        if applet != "busybox":
            add(tar, "bin/" + applet, link="busybox")
    add(tar, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n", mode=0o644)
    add(tar, "etc/group", b"root:x:0:\n", mode=0o644)
    add(tar, "www/index.html", b"ok\n", mode=0o644)
layer = layer.getvalue()
manifest, files = [], {"layer.tar": layer}
for tags, command in (
    (["rig.local/pause:1"], ["/bin/sleep", "2147483647"]),
    (["rig.local/busybox:1", "rig.local/busybox:2", "rig.local/busybox:3"], ["/bin/sh"]),
):
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "created": "1970-01-01T00:00:00Z",
        "config": {"Env": ["PATH=/bin"], "Cmd": command},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
        "history": [{}],
    }).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    files[name] = config
    manifest.append({"Config": name, "RepoTags": tags, "Layers": ["layer.tar"]})
files["manifest.json"] = json.dumps(manifest).encode()
with tarfile.open(out, "w") as tar:
    for name, data in files.items():
        add(tar, name, data, mode=0o644)
