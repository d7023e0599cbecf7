# SPDX-License-Identifier: Apache-2.0
"""python_image.py CACHE FOLDER IMAGE OUT: an archive of one image: this machine's Python with its standard library
and the shared libraries of both, and FOLDER as /app. It starts main.py there. The first layer is kept in CACHE."""
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile

cache, folder, image, out = sys.argv[1:5]
LEFT_OUT = re.compile(r"/(test|tests|idlelib|turtledemo|ensurepip|lib2to3|tkinter|site-packages|dist-packages"
                      r"|config-[^/]*)(/|$)")
python = os.path.realpath(os.path.join(sys.base_prefix, "bin", "python%d.%d" % sys.version_info[:2]))
library = sysconfig.get_paths()["stdlib"]


def shared(files):
    """What the loader would take along, for all of them."""
    listed = subprocess.run(["ldd", *files], capture_output=True, text=True).stdout
    return sorted(set(re.findall(r"(?:=> |^\s+)(/\S+) \(0x", listed, re.M)))


def standard_library():
    for at, folders, names in os.walk(library):
        folders[:] = sorted(f for f in folders if not LEFT_OUT.search(os.path.join(at, f)))
        for name in sorted(names):
            if ".opt-" not in name and not name.startswith("_tkinter"):
                yield os.path.join(at, name)


class Layer:
    """A tar of files under the names they have here, or others; folders are made on the way."""

    def __init__(self):
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode="w", format=tarfile.GNU_FORMAT)
        self.made = set()

    def folder(self, name, mode=0o755):
        if name and name not in self.made:
            self.folder(os.path.dirname(name))
            self.made.add(name)
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, mode
            self.tar.addfile(info)

    def file(self, path, name=None):
        name = (name or path).lstrip("/")
        self.folder(os.path.dirname(name))
        info = tarfile.TarInfo(name)
        info.mtime = int(os.stat(path).st_mtime)  # compiled modules are checked against it
        info.size, info.mode = os.path.getsize(path), 0o755 if os.access(path, os.X_OK) else 0o644
        with open(path, "rb") as f:
            self.tar.addfile(info, f)

    def end(self):
        self.tar.close()
        return self.bytes.getvalue()


def base():
    with open(__file__) as f:
        key = hashlib.sha256((python + sys.version + f.read()).encode()).hexdigest()[:12]
    kept = os.path.join(cache, "python-%s.tar" % key)
    if os.path.exists(kept):
        with open(kept, "rb") as f:
            return f.read()
    layer = Layer()
    layer.folder("tmp", 0o1777)
    own = sorted({python, *standard_library()})
    for path in own + shared([path for path in own if path == python or path.endswith(".so")]):
        layer.file(path)
    data = layer.end()
    with open(kept + ".part", "wb") as f:
        f.write(data)
    os.rename(kept + ".part", kept)
    return data


def application():
    layer = Layer()
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in (".git", "__pycache__"))
        for name in sorted(names):
            path = os.path.join(at, name)
            if os.path.isfile(path) and not os.path.islink(path):
                layer.file(path, os.path.join("app", os.path.relpath(path, folder)))
    return layer.end()


layers = [base(), application()]
config = json.dumps({
    "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine), "os": "linux",
    "created": "1970-01-01T00:00:00Z",
    "config": {"Env": ["PYTHONDONTWRITEBYTECODE=1"], "WorkingDir": "/app", "Entrypoint": [python, "main.py"]},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(x).hexdigest() for x in layers]},
    "history": [{} for _ in layers],
}).encode()
name = hashlib.sha256(config).hexdigest() + ".json"
files = {name: config, "base.tar": layers[0], "app.tar": layers[1], "manifest.json": json.dumps(
    [{"Config": name, "RepoTags": [image], "Layers": ["base.tar", "app.tar"]}]).encode()}
with tarfile.open(out, "w") as tar:
    for name, data in files.items():
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
