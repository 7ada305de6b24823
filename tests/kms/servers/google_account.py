"""Service accounts of Google Cloud, as the file that an operator has."""
import json

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from common import path


def account(file_name, email):
    """Writes such a file, and gives its public key as PEM."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption()).decode()
    with open(path(file_name), "w", encoding="utf-8") as file:
        json.dump({"type": "service_account", "project_id": "p", "private_key_id": "1", "private_key": pem,
                   "client_email": email, "client_id": "1", "token_uri": "https://oauth2.googleapis.com/token"}, file)
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
