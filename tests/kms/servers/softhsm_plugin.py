"""A KMS plugin of cosign's for PKCS#11 tokens: `softhsm://TOKEN/KEY`. Started by cosign with the version
of the protocol and one JSON; answers with one JSON. Reads the variables TOKEN_MODULE and TOKEN_PIN.
"""
import base64
import hashlib
import json
import os
import sys

import pkcs11
from pkcs11.util.ec import encode_ec_public_key, encode_ecdsa_signature
from pkcs11.util.rsa import encode_rsa_public_key

# RFC 8017, 9.2: what stands before a SHA-256 digest that is signed.
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def answer(question):
    token, name = question["initOptions"]["keyResourceID"].split("/")
    if question["methodName"] in ("defaultAlgorithm", "supportedAlgorithms"):
        return {"defaultAlgorithm": "token"} if question["methodName"] == "defaultAlgorithm" else {"supportedAlgorithms": ["token"]}
    library = pkcs11.lib(os.environ["TOKEN_MODULE"])
    with library.get_token(token_label=token).open(user_pin=os.environ["TOKEN_PIN"]) as session:
        if question["methodName"] == "publicKey":
            key = session.get_key(pkcs11.ObjectClass.PUBLIC_KEY, label=name)
            der = encode_ec_public_key(key) if key.key_type == pkcs11.KeyType.EC else None
            if der is None:
                return {"publicKeyPEM": pem(rsa_information(encode_rsa_public_key(key)))}
            return {"publicKeyPEM": pem(der)}
        if question["methodName"] == "signMessage":
            options = question["signMessage"]["signOptions"].get("messageOptions") or {}
            digest = base64.b64decode(options["digest"]) if options.get("digest") else hashlib.sha256(sys.stdin.buffer.read()).digest()
            key = session.get_key(pkcs11.ObjectClass.PRIVATE_KEY, label=name)
            if key.key_type == pkcs11.KeyType.EC:
                signature = encode_ecdsa_signature(key.sign(digest, mechanism=pkcs11.Mechanism.ECDSA))
            else:
                signature = key.sign(DIGEST_INFO + digest, mechanism=pkcs11.Mechanism.RSA_PKCS)
            return {"signature": base64.b64encode(signature).decode()}
    raise NotImplementedError(question["methodName"])


def rsa_information(key):
    """The SubjectPublicKeyInfo of a PKCS#1 key."""
    from asn1crypto.keys import PublicKeyInfo, RSAPublicKey

    return PublicKeyInfo.wrap(RSAPublicKey.load(key), "rsa").dump()


def pem(der):
    """A PEM in the base64 of the protocol."""
    body = base64.encodebytes(der).decode()
    return base64.b64encode(f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n".encode()).decode()


question = json.loads(sys.argv[2])
try:
    print(json.dumps({question["methodName"]: answer(question)}))
except pkcs11.PKCS11Error as error:
    print(json.dumps({"errorMessage": f"{type(error).__name__} {error}".strip()}))
