"""AWS KMS on port 4566: MiniStack behind TLS, and in front of it the refusals that it does not know.

Arguments: keys to make, as ALIAS=SPEC; `disabled` is disabled. Refused here: an access key called
UNKNOWN, EXPIRED or WRONG (secret), and on the alias `no-OPERATION` that operation. `liar` has the public key
of one key and signs with another; `changing` is another key each time it is asked for. Each request is written down.
In errors, the name of a key stands for its number, which is another one each time.
"""
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request

from common import Handler, path, ready, record, serve

BEHIND = "http://127.0.0.1:4567/"
REQUEST_ID = "00000000-0000-0000-0000-000000000000"
REFUSALS = {
    "UNKNOWN": ("UnrecognizedClientException", "The security token included in the request is invalid."),
    "EXPIRED": ("ExpiredTokenException", "The security token included in the request is expired"),
    "WRONG": ("InvalidSignatureException", "The request signature we calculated does not match the signature you "
              "provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."),
}
asked = 0
names = {}


def forward(target, body):
    """What MiniStack answers: the status and the body."""
    request = urllib.request.Request(BEHIND, body, {
        "X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1",
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20200101/us-east-1/kms/aws4_request, SignedHeaders=host, Signature=0"})
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def call(operation, **value):
    status, body = forward("TrentService." + operation, json.dumps(value).encode())
    if status != 200:
        sys.exit(f"{operation} {value}: {body}")
    return json.loads(body)


class Front(Handler):
    """Refuses what is to be refused, and asks MiniStack for the rest."""

    def answer(self, body):
        global asked
        target = self.headers.get("X-Amz-Target", "")
        operation = target.split(".")[-1]
        record(operation)
        account = re.search(r"Credential=(\w+)", self.headers.get("Authorization", ""))
        value = json.loads(body or b"{}")
        alias = value.get("KeyId", "").removeprefix("alias/")
        if account and account[1] in REFUSALS:
            self.refuse(*REFUSALS[account[1]])
        elif alias == f"no-{operation}":
            self.refuse("AccessDeniedException", "User: arn:aws:iam::000000000000:user/signer is not authorized to perform: "
                        f"kms:{operation} on this resource because no identity-based policy allows the kms:{operation} action")
        else:
            if alias == "liar" and operation == "Sign":
                value["KeyId"] = "alias/other"
            elif alias == "changing":
                asked += operation == "GetPublicKey"
                value["KeyId"] = "alias/ec" if asked == 1 else "alias/other"
            status, reply = forward(target, json.dumps(value).encode())
            if status != 200:
                for made, name in names.items():
                    reply = reply.replace(made.encode(), name.encode())
            self.reply(status, reply, [("x-amzn-RequestId", REQUEST_ID)])

    def refuse(self, kind, message):
        self.reply(400, {"__type": kind, "message": message}, [("x-amzn-RequestId", REQUEST_ID)])


log = open(path("ministack.log"), "w", encoding="utf-8")
os.makedirs(path("ministack"))
server = subprocess.Popen(
    [sys.executable, "-m", "ministack"], cwd=path("ministack"), text=True,
    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    env=os.environ | {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": "4567", "SERVICES": "kms", "IOT_MTLS_ENABLED": "0"})
try:
    for line in server.stdout:
        log.write(line)
        log.flush()
        if "Running on" in line:
            break
    threading.Thread(target=lambda: [log.write(line) for line in server.stdout], daemon=True).start()
    for key in sys.argv[2:]:
        alias, spec = key.split("=")
        made = call("CreateKey", KeyUsage="SIGN_VERIFY", KeySpec=spec)["KeyMetadata"]["KeyId"]
        names[made] = alias
        call("CreateAlias", AliasName="alias/" + alias, TargetKeyId=made)
        if alias == "disabled":
            call("DisableKey", KeyId=made)
    serve(4566, Front)
    ready()
finally:
    server.terminate()
    server.wait()
