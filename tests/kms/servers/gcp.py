"""Google Cloud KMS as far as a signer sees it, on port 443, directly and through a proxy: gRPC with
Google's own messages.

Holds two accounts: credentials.json, and revoked.json, whose tokens are refused. Keys of
projects/p/locations/l/keyRings/r: `ec`, `rsa` (4096 bits), `p384`, `disabled`, and `no-RPC`, which may
be used for everything but that call. Each call is written down.
"""
import re
from concurrent import futures

import google.auth.jwt
import google_crc32c
import grpc
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from google.cloud import kms_v1 as kms

from common import RSA_4096, path, ready, record
from google_account import account
from proxy import serve_proxy

SERVICE = "google.cloud.kms.v1.KeyManagementService"
KEYS = "projects/p/locations/l/keyRings/r/cryptoKeys/"
PERMISSIONS = {"GetCryptoKey": "cryptoKeys.get", "ListCryptoKeyVersions": "cryptoKeyVersions.list",
               "GetCryptoKeyVersion": "cryptoKeyVersions.get", "GetPublicKey": "cryptoKeyVersions.viewPublicKey",
               "AsymmetricSign": "cryptoKeyVersions.useToSign"}
Algorithm = kms.CryptoKeyVersion.CryptoKeyVersionAlgorithm
State = kms.CryptoKeyVersion.CryptoKeyVersionState

with open(RSA_4096, "rb") as file:
    RSA = serialization.load_pem_private_key(file.read(), None)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())


SIGNER = account("credentials.json", "signer@p.iam.gserviceaccount.com")
account("revoked.json", "leaver@p.iam.gserviceaccount.com")


def material(name):
    """The private key, algorithm and state of a key, or None."""
    if name == "rsa":
        return RSA, Algorithm.RSA_SIGN_PKCS1_4096_SHA256, State.ENABLED
    if name == "p384":
        return P384, Algorithm.EC_SIGN_P384_SHA384, State.ENABLED
    if name in ("ec", "disabled") or name.startswith("no-"):
        return P256, Algorithm.EC_SIGN_P256_SHA256, State.DISABLED if name == "disabled" else State.ENABLED
    return None


class Key:
    """What a request asks for, once it is known that it may."""

    def __init__(self, rpc, request, context):
        resource = getattr(request, "name", "") or getattr(request, "parent", "")
        bearer = dict(context.invocation_metadata()).get("authorization", "").removeprefix("Bearer ")
        try:
            google.auth.jwt.decode(bearer, certs=SIGNER)
        except ValueError:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "Request had invalid authentication credentials. Expected "
                          "OAuth 2 access token, login cookie or other valid authentication credential. See "
                          "https://developers.google.com/identity/sign-in/web/devconsole-project.")
        found = re.fullmatch(f"{KEYS}([^/]+)(/cryptoKeyVersions/1)?", resource)
        if not found or not material(found[1]):
            context.abort(grpc.StatusCode.NOT_FOUND, f"{resource.replace(KEYS, 'CryptoKey ' + KEYS)} not found.")
        if found[1] == f"no-{rpc}":
            context.abort(grpc.StatusCode.PERMISSION_DENIED,
                          f"Permission 'cloudkms.{PERMISSIONS[rpc]}' denied on resource '{resource}' (or it may not exist).")
        self.name = KEYS + found[1]
        self.private, self.algorithm, self.state = material(found[1])
        if rpc in ("GetPublicKey", "AsymmetricSign") and self.state != State.ENABLED:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION,
                          f"{self.name}/cryptoKeyVersions/1 is not enabled, current state is: DISABLED.")

    def version(self):
        return kms.CryptoKeyVersion(name=self.name + "/cryptoKeyVersions/1", state=self.state, algorithm=self.algorithm)


def get_crypto_key(key, _):
    return kms.CryptoKey(name=key.name, purpose="ASYMMETRIC_SIGN", version_template={"algorithm": key.algorithm})


def list_versions(key, request):
    # Signers ask with the filter `state=ENABLED`.
    listed = [key.version()] if key.state == State.ENABLED or "ENABLED" not in request.filter else []
    return kms.ListCryptoKeyVersionsResponse(crypto_key_versions=listed, total_size=len(listed))


def get_version(key, _):
    return key.version()


def get_public_key(key, _):
    pem = key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return kms.PublicKey(pem=pem.decode(), algorithm=key.algorithm, name=key.version().name,
                         pem_crc32c=google_crc32c.value(pem))


def sign(key, request):
    digest = request.digest.sha256 or request.digest.sha384
    kind = utils.Prehashed(hashes.SHA256() if request.digest.sha256 else hashes.SHA384())
    if isinstance(key.private, rsa.RSAPrivateKey):
        signature = key.private.sign(digest, padding.PKCS1v15(), kind)
    else:
        signature = key.private.sign(digest, ec.ECDSA(kind))
    return kms.AsymmetricSignResponse(
        signature=signature, signature_crc32c=google_crc32c.value(signature), name=key.version().name,
        verified_digest_crc32c="digest_crc32c" in request and request.digest_crc32c == google_crc32c.value(digest))


def method(rpc, request_type, work):
    def answer(raw, context):
        record(rpc)
        request = request_type.deserialize(raw)
        response = work(Key(rpc, request, context), request)
        return type(response).serialize(response)

    return grpc.unary_unary_rpc_method_handler(answer)


METHODS = {
    "GetCryptoKey": (kms.GetCryptoKeyRequest, get_crypto_key),
    "ListCryptoKeyVersions": (kms.ListCryptoKeyVersionsRequest, list_versions),
    "GetCryptoKeyVersion": (kms.GetCryptoKeyVersionRequest, get_version),
    "GetPublicKey": (kms.GetPublicKeyRequest, get_public_key),
    "AsymmetricSign": (kms.AsymmetricSignRequest, sign),
}
server = grpc.server(futures.ThreadPoolExecutor(8))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
    SERVICE, {rpc: method(rpc, *parts) for rpc, parts in METHODS.items()}),))
with open(path("server.key"), "rb") as key_file, open(path("server.pem"), "rb") as certificate:
    credentials = grpc.ssl_server_credentials([(key_file.read(), certificate.read())])
server.add_secure_port("127.0.0.1:443", credentials)
server.start()
serve_proxy()
ready()
server.stop(None)
