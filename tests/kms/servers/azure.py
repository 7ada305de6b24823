"""Azure Key Vault as far as a signer sees it, with the token service of Entra, both on port 443, and
the identity endpoint of an App Service on port 8444, in plain HTTP.

Tenant, client and secret stand below. Keys of rig.vault.azure.net: `ec`, `rsa` (4096 bits), `p384`,
`disabled`, and `no-get` and `no-sign`, which may be used for everything but that. Each request is written down.
"""
import base64
import json
import re
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from common import RSA_4096, Handler, ready, record, serve

TENANT = "11111111-1111-1111-1111-111111111111"
SECRET = "the-secret"
TOKEN = "a-token"
VERSION = "0123456789abcdef0123456789abcdef"

with open(RSA_4096, "rb") as file:
    RSA = serialization.load_pem_private_key(file.read(), None)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
KEYS = {"ec": P256, "rsa": RSA, "p384": P384, "disabled": P256, "no-get": P256, "no-sign": P256}


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encode_number(number, length=None):
    return encode(number.to_bytes(length or (number.bit_length() + 7) // 8, "big"))


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def public(name):
    numbers = KEYS[name].public_key().public_numbers()
    shared = {"kid": f"https://rig.vault.azure.net/keys/{name}/{VERSION}", "key_ops": ["sign", "verify"]}
    if isinstance(KEYS[name], rsa.RSAPrivateKey):
        return shared | {"kty": "RSA", "n": encode_number(numbers.n), "e": encode_number(numbers.e)}
    size = KEYS[name].key_size // 8
    return shared | {"kty": "EC", "crv": f"P-{size * 8}",
                     "x": encode_number(numbers.x, size), "y": encode_number(numbers.y, size)}


def signature(name, algorithm, digest):
    kind = utils.Prehashed({"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[algorithm[2:]])
    key = KEYS[name]
    if isinstance(key, rsa.RSAPrivateKey):
        return encode(key.sign(digest, padding.PKCS1v15(), kind))
    size = key.key_size // 8
    numbers = utils.decode_dss_signature(key.sign(digest, ec.ECDSA(kind)))
    return encode(b"".join(number.to_bytes(size, "big") for number in numbers))


class Vault(Handler):
    """The vault, and the token service under its own names."""

    def refuse(self, status, code, message, inner=None):
        error = {"code": code, "message": message} | ({"innererror": {"code": inner}} if inner else {})
        self.reply(status, {"error": error})

    def answer(self, body):
        where = self.path.split("?")[0]
        host = self.headers["Host"]
        if host.startswith("login."):
            self.answer_login(host, where, body.decode())
            return
        found = re.fullmatch(r"/keys/([^/]+)/?([^/]*)/*(sign)?", where)
        if self.headers.get("Authorization") != "Bearer " + TOKEN:
            challenge = f'Bearer authorization="https://login.microsoftonline.com/{TENANT}", resource="https://vault.azure.net"'
            self.reply(401, {"error": {"code": "Unauthorized", "message": "AKV10000: Request is missing a Bearer or PoP token."}},
                       [("WWW-Authenticate", challenge)])
            return
        name, signs = found[1], self.command == "POST"
        record("sign" if signs else "get")
        if name not in KEYS:
            self.refuse(404, "KeyNotFound", f"A key with (name/id) {name} was not found in this key vault. "
                        "If you recently deleted this key you may be able to recover it using the correct recovery command.")
        elif name == ("no-sign" if signs else "no-get"):
            self.refuse(403, "Forbidden", "Caller is not authorized to perform action on resource.\r\n"
                        "If role assignments, deny assignments or role definitions were changed recently, "
                        "please observe propagation time.", "ForbiddenByRbac")
        elif name == "disabled":
            self.refuse(403, "Forbidden", f"Operation {'sign' if signs else 'get'} is not allowed on a disabled key.", "KeyDisabled")
        elif signs:
            asked = json.loads(body)
            self.reply(200, {"kid": public(name)["kid"], "value": signature(name, asked["alg"], decode(asked["value"]))})
        else:
            self.reply(200, {"key": public(name), "attributes": {"enabled": True}})

    def answer_login(self, host, where, form):
        base = f"https://{host}/{TENANT}"
        if where.endswith("/.well-known/openid-configuration"):
            self.reply(200, {"token_endpoint": base + "/oauth2/v2.0/token", "issuer": base + "/v2.0",
                             "authorization_endpoint": base + "/oauth2/v2.0/authorize"})
        elif where.endswith("/discovery/instance"):
            known = {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
            self.reply(200, {"tenant_discovery_endpoint": base + "/v2.0/.well-known/openid-configuration",
                             "api-version": "1.1", "metadata": [known]})
        elif f"client_secret={SECRET}" not in form:
            self.reply(401, {"error": "invalid_client", "error_description":
                             "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request "
                             "is the client secret value, not the client secret ID."})
        else:
            self.reply(200, token())


def token():
    now = int(time.time())
    return {"token_type": "Bearer", "expires_in": "3600", "ext_expires_in": "3600", "expires_on": str(now + 3600),
            "not_before": str(now), "resource": "https://vault.azure.net", "access_token": TOKEN}


class Identity(Handler):
    """Managed identity as an App Service gives it."""

    def answer(self, _):
        if self.headers.get("X-IDENTITY-HEADER") == SECRET:
            self.reply(200, token())
        else:
            self.reply(401, {"statusCode": 401, "message": "Invalid X-IDENTITY-HEADER."})


serve(443, Vault)
serve(8444, Identity, encrypted=False)
ready()
