//! `awskms://`: a key that is refused, and a server that is not reached.

use crate::failures::Signer;
use crate::site::Site;

#[test]
fn each_failure_has_its_own_message() {
    let keys = ["ec", "other", "disabled", "liar", "no-Sign", "no-DescribeKey"]
        .map(|name| format!("{name}=ECC_NIST_P256"));
    let mut keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    keys.push("p384=ECC_NIST_P384");
    let site = Site::with("aws", &keys);
    let authority = site.of_server("ca.pem");
    let variables = [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("SSL_CERT_FILE", authority.as_str()),
    ];
    Signer { site: &site, more: "", good: "ec", keys: &format!("{}/", super::KEYS), variables: &variables }.fails(&[
        ("unknown", &[], 4,
         "error: {key} was not found in the key manager
    getting public key: operation error KMS: GetPublicKey, https response error StatusCode: 400, RequestID: 00000000-0000-0000-0000-000000000000, NotFoundException: Key alias/unknown not found
hint: check the name, the region and the account
"),
        ("disabled", &[], 4,
         "error: {key} is disabled in the key manager
    signing {root}/tmp/aicr-XXXXXX/checksums.txt: signing bundle: error signing bundle: signing with kms: operation error KMS: Sign, https response error StatusCode: 400, RequestID: 00000000-0000-0000-0000-000000000000, DisabledException: arn:aws:kms:us-east-1:000000000000:key/disabled is disabled.
hint: enable it, or use another key
"),
        ("no-GetPublicKey", &[], 4,
         "error: {key} was refused by the key manager: these credentials have no permission for it
    getting public key: operation error KMS: GetPublicKey, https response error StatusCode: 400, RequestID: 00000000-0000-0000-0000-000000000000, api error AccessDeniedException: User: arn:aws:iam::000000000000:user/signer is not authorized to perform: kms:GetPublicKey on this resource because no identity-based policy allows the kms:GetPublicKey action
hint: the signer needs kms:DescribeKey, kms:GetPublicKey and kms:Sign on the key
"),
        ("no-DescribeKey", &[], 4,
         "error: {key} was refused by the key manager: these credentials have no permission for it
    getting key metadata: operation error KMS: DescribeKey, https response error StatusCode: 400, RequestID: 00000000-0000-0000-0000-000000000000, api error AccessDeniedException: User: arn:aws:iam::000000000000:user/signer is not authorized to perform: kms:DescribeKey on this resource because no identity-based policy allows the kms:DescribeKey action
hint: the signer needs kms:DescribeKey, kms:GetPublicKey and kms:Sign on the key
"),
        ("no-Sign", &[], 4,
         "error: {key} was refused by the key manager: these credentials have no permission for it
    signing {root}/tmp/aicr-XXXXXX/checksums.txt: signing bundle: error signing bundle: signing with kms: operation error KMS: Sign, https response error StatusCode: 400, RequestID: 00000000-0000-0000-0000-000000000000, api error AccessDeniedException: User: arn:aws:iam::000000000000:user/signer is not authorized to perform: kms:Sign on this resource because no identity-based policy allows the kms:Sign action
hint: the signer needs kms:DescribeKey, kms:GetPublicKey and kms:Sign on the key
"),
        ("p384", &[], 2,
         "error: {key} is ECDSA P-384, with which some releases of cosign make signatures that do not verify
hint: use an ECDSA P-256 key, or RSA with 2048 to 4096 bits
"),
        ("liar", &[], 4,
         "error: {key} made a signature that does not verify
    signing {root}/tmp/aicr-XXXXXX/checksums.txt: signing bundle: error signing bundle: failed to verify signature: could not verify message: invalid signature when validating ASN.1 encoded signature
hint: the key manager's signature is wrong, or of a kind that cosign cannot check; ECDSA P-256 works with every key manager
"),
        ("changing", &[], 4,
         "error: cosign ended with exit 0, but the signature was made by another key; if the key was just rotated, run this again
    (what cosign said)
"),
        ("ec", &["AWS_ACCESS_KEY_ID=UNKNOWN"], 4,
         "error: {key} was refused by the key manager: it does not accept these credentials
    getting public key: operation error KMS: GetPublicKey, https response error StatusCode: 400, RequestID: 00000000-0000-0000-0000-000000000000, api error UnrecognizedClientException: The security token included in the request is invalid.
hint: check AWS_ACCESS_KEY_ID, and AWS_SESSION_TOKEN if the access key is temporary
"),
        ("ec", &["AWS_ACCESS_KEY_ID=EXPIRED"], 4,
         "error: {key} was refused by the key manager: the credentials have expired
    getting public key: operation error KMS: GetPublicKey, https response error StatusCode: 400, RequestID: 00000000-0000-0000-0000-000000000000, api error ExpiredTokenException: The security token included in the request is expired
hint: get new credentials; AWS_SESSION_TOKEN expires together with its access key
"),
        ("ec", &["AWS_ACCESS_KEY_ID=WRONG"], 4,
         "error: {key} was refused by the key manager: it does not accept these credentials
    getting public key: operation error KMS: GetPublicKey, https response error StatusCode: 400, RequestID: 00000000-0000-0000-0000-000000000000, api error InvalidSignatureException: The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.
hint: check AWS_SECRET_ACCESS_KEY, and this machine's clock
"),
        ("ec", &["-AWS_ACCESS_KEY_ID", "-AWS_SECRET_ACCESS_KEY"], 4,
         "error: {key} cannot be used: there are no credentials for its key manager
    getting public key: operation error KMS: GetPublicKey, exceeded maximum number of attempts, 3, get identity: get credentials: failed to refresh cached credentials, no EC2 IMDS role found, operation error ec2imds: GetMetadata, exceeded maximum number of attempts, 3, request send failed, Get \"http://169.254.169.254/latest/meta-data/iam/security-credentials/\": dial tcp 169.254.169.254:80: connect: network is unreachable
hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE
"),
        ("ec", &["-AWS_SECRET_ACCESS_KEY"], 4,
         "error: {key} cannot be used: there are no credentials for its key manager
    getting public key: operation error KMS: GetPublicKey, get identity: get credentials: failed to refresh cached credentials, no EC2 IMDS role found, operation error ec2imds: GetMetadata, access disabled to EC2 IMDS via client option, or \"AWS_EC2_METADATA_DISABLED\" environment variable
hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE
"),
        ("ec", &["AWS_PROFILE=unknown"], 4,
         "error: {key} cannot be used: there is no such AWS profile
    kms get: loading AWS config: failed to get shared config profile, unknown
hint: check AWS_PROFILE, and ~/.aws/config
"),
        ("ec", &["SSL_CERT_FILE={server}other.pem"], 6,
         "error: {key} could not be reached: its server's certificate is signed by an authority that is not trusted here
    getting public key: operation error KMS: GetPublicKey, exceeded maximum number of attempts, 3, https response error StatusCode: 0, RequestID: , request send failed, Post \"https://127.0.0.1:4566/\": tls: failed to verify certificate: x509: certificate signed by unknown authority
hint: set SSL_CERT_FILE (for hashivault and openbao, VAULT_CACERT) to the certificate of the site's authority
"),
        ("ec", &["SSL_CERT_FILE={server}other.pem", "AWS_TLS_INSECURE_SKIP_VERIFY=true", "COSIGN_ALLOW_INSECURE_REGISTRY=true"], 6,
         "warning: AWS_TLS_INSECURE_SKIP_VERIFY, COSIGN_ALLOW_INSECURE_REGISTRY are ignored: use aicr's flags
error: {key} could not be reached: its server's certificate is signed by an authority that is not trusted here
    getting public key: operation error KMS: GetPublicKey, exceeded maximum number of attempts, 3, https response error StatusCode: 0, RequestID: , request send failed, Post \"https://127.0.0.1:4566/\": tls: failed to verify certificate: x509: certificate signed by unknown authority
hint: set SSL_CERT_FILE (for hashivault and openbao, VAULT_CACERT) to the certificate of the site's authority
"),
    ]);
}
