//! `gcpkms://`: a key that is refused, and a server that is not reached.

use crate::failures::Signer;
use crate::site::Site;

#[test]
fn each_failure_has_its_own_message() {
    let site = Site::with("gcp", &[]);
    let (account, authority) = (site.of_server("credentials.json"), site.of_server("ca.pem"));
    let variables =
        [("GOOGLE_APPLICATION_CREDENTIALS", account.as_str()), ("SSL_CERT_FILE", authority.as_str())];
    Signer { site: &site, more: "", good: "ec", keys: &format!("{}/", super::KEYS), variables: &variables }.fails(&[
        ("unknown", &[], 4,
         "error: {key} was not found in the key manager
    transient error getting info from KMS: rpc error: code = NotFound desc = CryptoKey projects/p/locations/l/keyRings/r/cryptoKeys/unknown not found.
hint: check each part of the name; `gcloud kms keys list` lists the keys of a key ring
"),
        ("disabled", &[], 4,
         "error: {key} is disabled in the key manager
    transient error getting info from KMS: unable to find an enabled key version in GCP KMS: no more items in iterator
hint: enable a version of the key, or name one: …/cryptoKeyVersions/N
"),
        ("disabled/cryptoKeyVersions/1", &[], 4,
         "error: {key} is disabled in the key manager
    transient error getting info from KMS: unable to fetch public key while creating signer: public key: rpc error: code = FailedPrecondition desc = projects/p/locations/l/keyRings/r/cryptoKeys/disabled/cryptoKeyVersions/1 is not enabled, current state is: DISABLED.
hint: enable this version, or name another one
"),
        ("no-GetCryptoKey", &[], 4,
         "error: {key} was refused by the key manager: these credentials have no permission for it
    transient error getting info from KMS: rpc error: code = PermissionDenied desc = Permission 'cloudkms.cryptoKeys.get' denied on resource 'projects/p/locations/l/keyRings/r/cryptoKeys/no-GetCryptoKey' (or it may not exist).
hint: the signer needs roles/cloudkms.signerVerifier and roles/cloudkms.viewer on the key
"),
        ("no-ListCryptoKeyVersions", &[], 4,
         "error: {key} was refused by the key manager: these credentials have no permission for it
    transient error getting info from KMS: unable to find an enabled key version in GCP KMS: rpc error: code = PermissionDenied desc = Permission 'cloudkms.cryptoKeyVersions.list' denied on resource 'projects/p/locations/l/keyRings/r/cryptoKeys/no-ListCryptoKeyVersions' (or it may not exist).
hint: the signer needs roles/cloudkms.signerVerifier and roles/cloudkms.viewer on the key
"),
        ("no-GetPublicKey", &[], 4,
         "error: {key} was refused by the key manager: these credentials have no permission for it
    transient error getting info from KMS: unable to fetch public key while creating signer: public key: rpc error: code = PermissionDenied desc = Permission 'cloudkms.cryptoKeyVersions.viewPublicKey' denied on resource 'projects/p/locations/l/keyRings/r/cryptoKeys/no-GetPublicKey/cryptoKeyVersions/1' (or it may not exist).
hint: the signer needs roles/cloudkms.signerVerifier and roles/cloudkms.viewer on the key
"),
        ("no-AsymmetricSign", &[], 4,
         "error: {key} was refused by the key manager: these credentials have no permission for it
    signing {root}/tmp/aicr-XXXXXX/checksums.txt: signing bundle: error signing bundle: calling GCP AsymmetricSign: rpc error: code = PermissionDenied desc = Permission 'cloudkms.cryptoKeyVersions.useToSign' denied on resource 'projects/p/locations/l/keyRings/r/cryptoKeys/no-AsymmetricSign/cryptoKeyVersions/1' (or it may not exist).
hint: the signer needs roles/cloudkms.signerVerifier and roles/cloudkms.viewer on the key
"),
        ("no-GetCryptoKeyVersion/cryptoKeyVersions/1", &[], 4,
         "error: {key} was refused by the key manager: these credentials have no permission for it
    transient error getting info from KMS: rpc error: code = PermissionDenied desc = Permission 'cloudkms.cryptoKeyVersions.get' denied on resource 'projects/p/locations/l/keyRings/r/cryptoKeys/no-GetCryptoKeyVersion/cryptoKeyVersions/1' (or it may not exist).
hint: the signer needs roles/cloudkms.signerVerifier and roles/cloudkms.viewer on the key
"),
        ("p384", &[], 2,
         "error: {key} is ECDSA P-384, with which some releases of cosign make signatures that do not verify
hint: use an ECDSA P-256 key, or RSA with 2048 to 4096 bits
"),
        ("ec", &["GOOGLE_APPLICATION_CREDENTIALS={server}revoked.json"], 4,
         "error: {key} was refused by the key manager: it does not accept these credentials
    transient error getting info from KMS: rpc error: code = Unauthenticated desc = Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.
hint: check the file in GOOGLE_APPLICATION_CREDENTIALS; its key may have been deleted
"),
        ("ec", &["GOOGLE_APPLICATION_CREDENTIALS=/nowhere"], 4,
         "error: {key} cannot be used: the credentials file cannot be read
    kms get: new gcp kms client: open /nowhere: no such file or directory
hint: check the file in GOOGLE_APPLICATION_CREDENTIALS
"),
        ("ec", &["GOOGLE_APPLICATION_CREDENTIALS={server}ca.pem"], 4,
         "error: {key} cannot be used: the credentials file cannot be read
    kms get: new gcp kms client: invalid character '-' in numeric literal
hint: check the file in GOOGLE_APPLICATION_CREDENTIALS
"),
        ("ec", &["-GOOGLE_APPLICATION_CREDENTIALS"], 4,
         "error: {key} cannot be used: there are no credentials for its key manager
    kms get: new gcp kms client: credentials: could not find default credentials. See https://cloud.google.com/docs/authentication/external/set-up-adc for more information
hint: set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account
"),
        ("ec", &["SSL_CERT_FILE={server}other.pem"], 6,
         "error: {key} could not be reached: its server's certificate is signed by an authority that is not trusted here
    transient error getting info from KMS: rpc error: code = Unavailable desc = connection error: desc = \"transport: authentication handshake failed: tls: failed to verify certificate: x509: certificate signed by unknown authority\"
hint: set SSL_CERT_FILE (for hashivault and openbao, VAULT_CACERT) to the certificate of the site's authority
"),
    ]);
}
