//! The words by which failures are told apart. Every rule was made from samples: see the tests.

use super::Diagnosis;
use crate::error::Class;

/// A rule: all of these words, in lower case, anywhere in the text.
pub(super) struct Rule {
    pub(super) words: &'static [&'static str],
    pub(super) diagnosis: Diagnosis,
}

impl Rule {
    /// Whether `text`, in lower case, has the words.
    pub(super) fn fits(&self, text: &str) -> bool {
        self.words.iter().all(|word| text.contains(word))
    }
}

const fn rule(
    words: &'static [&'static str],
    class: Class,
    reason: &'static str,
    hint: &'static str,
) -> Rule {
    Rule { words, diagnosis: Diagnosis { class, reason, hint: Some(hint) } }
}

/// This cosign cannot.
const fn cannot(words: &'static [&'static str], reason: &'static str, hint: &'static str) -> Rule {
    rule(words, Class::NoCosign, reason, hint)
}

/// The key manager, or cosign, did not want to.
const fn refused(words: &'static [&'static str], reason: &'static str, hint: &'static str) -> Rule {
    rule(words, Class::NotSigned, reason, hint)
}

/// Nobody answered.
const fn unreachable(words: &'static [&'static str], reason: &'static str, hint: &'static str) -> Rule {
    rule(words, Class::Unproven, reason, hint)
}

pub(super) const NO_PROVIDER: &str = "has no provider in this build of cosign";
const UNKNOWN: &str = "is not known to the key manager";
const DISABLED: &str = "is disabled in the key manager";
const FORBIDDEN: &str = "was refused by the key manager: these credentials have no permission for it";
const UNAUTHENTICATED: &str = "was refused by the key manager: it does not accept these credentials";
const NO_CREDENTIALS: &str = "cannot be used: there are no credentials for its key manager";
const SLOW: &str = "could not be reached in time";
const NO_WAY: &str = "could not be reached: there is no network to it from here";
const BROKEN_OFF: &str = "could not be reached: it broke off the connection";
const NO_TLS: &str = "could not be reached: its server does not speak TLS";
const BUSY: &str = "could not be reached: its key manager is out of order, or too busy";

const AZURE_SIGN_IN: &str = "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or sign on a machine with a managed identity";
const AZURE_SIGN_IN_OF_OLD: &str = "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; a managed identity as App Services have it needs cosign 2.6";
const AZURE_RIGHTS: &str =
    "the signer needs the role Key Vault Crypto User on the key, or an access policy with get and sign";
const WHERE: &str = "is the key manager running, and is its address right?";
const ROUTE: &str = "check the route to the key manager";
const TLS: &str = "is the address of the key manager right? something else may answer there";
const LATER: &str = "try again later; a proxy or load balancer may have answered in its place";

/// The first that fits wins, so the more telling come first.
pub(super) const RULES: &[Rule] = &[
    // What this cosign cannot do.
    cannot(
        &["unrecognized scheme"],
        NO_PROVIDER,
        "the upstream release of cosign has every provider but openbao, which 3.1 added; a distribution's build may have awskms only",
    ),
    cannot(
        &["kms specification should be in the format"],
        "is written in a form that this cosign does not know",
        "use a later release of cosign, or name the key without its version",
    ),
    cannot(
        &["opening pkcs11 token key: unimplemented"],
        "is in a PKCS#11 token, for which this build of cosign has no support",
        "use a cosign built with cgo and the pkcs11key tag, or a KMS plugin for the token",
    ),
    cannot(
        &["unexpected kdf parameters"],
        "was made by a newer cosign than this one can read",
        "use cosign 2.2 or later, or make the key with this one",
    ),
    // Plugins.
    refused(
        &["parsing plugin response"],
        "got no answer from its plugin that cosign understands",
        "the plugin failed, or speaks another version of the protocol; it may need a variable: --kms-env NAME",
    ),
    refused(
        &["error executing plugin program"],
        "got no answer from its plugin, which crashed",
        "run the plugin by hand, with the variables that --kms-env names",
    ),
    refused(
        &["plugin returned error"],
        "was refused by its plugin",
        "what it says is the plugin's own; it sees only the variables that --kms-env names",
    ),
    // Key files.
    refused(
        &["inappropriate ioctl for device"],
        "needs a password",
        "set COSIGN_PASSWORD; set but empty is a password too",
    ),
    refused(
        &["decryption failed"],
        "was not opened: the password is wrong",
        "check COSIGN_PASSWORD; a newline at its end counts",
    ),
    refused(
        &["unsupported pem type"],
        "is not a key file of cosign's",
        "`cosign import-key-pair --key FILE` converts one",
    ),
    // Credentials: before the network, since an SDK without any tries the metadata service.
    refused(
        &["no ec2 imds role found"],
        NO_CREDENTIALS,
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    ),
    refused(
        &["failed to get shared config profile"],
        "cannot be used: there is no such AWS profile",
        "check AWS_PROFILE, and ~/.aws/config",
    ),
    refused(
        &["missing region"],
        "cannot be used: no AWS region is set",
        "set AWS_REGION, or name the endpoint: awskms://HOST/…",
    ),
    refused(
        &["an aws region is required"],
        "cannot be used: no AWS region is set",
        "set AWS_REGION, or name the endpoint: awskms://HOST/…",
    ),
    refused(
        &["expiredtoken"],
        "was refused by the key manager: the credentials have expired",
        "get new ones; AWS_SESSION_TOKEN belongs to a pair of keys and ends with it",
    ),
    refused(
        &["unrecognizedclientexception"],
        UNAUTHENTICATED,
        "check AWS_ACCESS_KEY_ID, and AWS_SESSION_TOKEN if the key is a temporary one",
    ),
    refused(
        &["invalidsignatureexception"],
        UNAUTHENTICATED,
        "check AWS_SECRET_ACCESS_KEY, and this machine's clock",
    ),
    refused(
        &["could not find default credentials"],
        NO_CREDENTIALS,
        "set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account",
    ),
    refused(
        &["code = unauthenticated"],
        UNAUTHENTICATED,
        "check the file in GOOGLE_APPLICATION_CREDENTIALS; its key may have been deleted",
    ),
    refused(
        &["new gcp kms client"],
        "cannot be used: the credentials file cannot be read",
        "check the file in GOOGLE_APPLICATION_CREDENTIALS",
    ),
    refused(&["defaultazurecredential", "169.254.169.254"], NO_CREDENTIALS, AZURE_SIGN_IN),
    refused(&["invoking azure cli failed"], NO_CREDENTIALS, AZURE_SIGN_IN_OF_OLD),
    refused(&["azure cli not found on path"], NO_CREDENTIALS, AZURE_SIGN_IN_OF_OLD),
    refused(&["azure", "aadsts"], UNAUTHENTICATED, "check AZURE_CLIENT_SECRET; secrets expire"),
    refused(
        &["credential authentication failed"],
        UNAUTHENTICATED,
        "check the AZURE_ or IDENTITY_ variables",
    ),
    refused(
        &["_addr", "is not set"],
        "cannot be used: the address of its key manager is not set",
        "set VAULT_ADDR, for example https://vault.example:8200",
    ),
    refused(
        &["kubernetes_service_host and kubernetes_service_port must be defined"],
        "cannot be used: nothing says where its cluster is",
        "set KUBECONFIG to the configuration of a client of the cluster, or have one in ~/.kube/config",
    ),
    refused(&[".vault-token"], NO_CREDENTIALS, "set VAULT_TOKEN"),
    refused(
        &["error loading ca file"],
        "cannot be used: VAULT_CACERT names no file that can be read",
        "set VAULT_CACERT to the certificate of the site's authority",
    ),
    refused(
        &["http request to an https server"],
        "cannot be used: its server speaks TLS only",
        "write https:// in VAULT_ADDR",
    ),
    // What the key manager said about the key.
    refused(
        &["could not read data from transit key path"],
        UNKNOWN,
        "check the name; TRANSIT_SECRET_ENGINE_PATH is for an engine that is not mounted at transit",
    ),
    refused(
        &["could not parse transit key keys data"],
        "is no signing key",
        "make one with `type=ecdsa-p256`",
    ),
    refused(
        &["1 error occurred", "permission denied", "/transit/"],
        FORBIDDEN,
        "check VAULT_TOKEN, and its policy: read on transit/keys/NAME, update on transit/sign/NAME/*",
    ),
    refused(
        &["1 error occurred", "permission denied"],
        FORBIDDEN,
        "check VAULT_TOKEN and its policy, and that TRANSIT_SECRET_ENGINE_PATH is where the engine is mounted",
    ),
    refused(
        &["code: 403", "permission denied"],
        UNAUTHENTICATED,
        "check VAULT_TOKEN: it is unknown to the server, has expired or was revoked",
    ),
    refused(
        &["code = notfound"],
        UNKNOWN,
        "check each part of its name; `gcloud kms keys list` shows those of a key ring",
    ),
    refused(
        &["unable to find an enabled key version", "no more items"],
        DISABLED,
        "enable a version of it, or name one: …/cryptoKeyVersions/N",
    ),
    refused(&["is not enabled, current state is"], DISABLED, "enable this version, or name another one"),
    refused(
        &["code = permissiondenied"],
        FORBIDDEN,
        "the signer needs roles/cloudkms.signerVerifier and roles/cloudkms.viewer on the key",
    ),
    refused(&["kms", "disabledexception"], DISABLED, "enable it, or use another one"),
    refused(&["kms", "notfoundexception"], UNKNOWN, "check its name, the region and the account"),
    refused(
        &["accessdeniedexception"],
        FORBIDDEN,
        "the signer needs kms:DescribeKey, kms:GetPublicKey and kms:Sign on the key",
    ),
    refused(&["keydisabled"], DISABLED, "enable it, or use another one"),
    refused(&["keynotfound"], UNKNOWN, "check the name of the vault and of the key"),
    refused(&["403 forbidden"], FORBIDDEN, AZURE_RIGHTS),
    refused(&["statuscode=403"], FORBIDDEN, AZURE_RIGHTS),
    refused(
        &["failed to verify signature"],
        "made a signature that does not verify",
        "the key manager's signature is wrong or of a kind that cosign cannot check; ECDSA P-256 works with every one",
    ),
    // The way there.
    unreachable(
        &["certificate signed by unknown authority"],
        "could not be reached: its server's certificate is signed by an authority that is not trusted here",
        "set SSL_CERT_FILE (for hashivault and openbao, VAULT_CACERT) to the certificate of the site's authority",
    ),
    unreachable(
        &["failed to verify certificate"],
        "could not be reached: its server's certificate does not verify",
        "check the server's name and certificate, and this machine's clock",
    ),
    unreachable(
        &["dial tcp: lookup"],
        "could not be reached: its host name is not known here",
        "check the address of the key manager, and the name servers of this machine",
    ),
    unreachable(
        &["vault is sealed"],
        "could not be reached: its key manager is sealed",
        "somebody who may has to unseal it",
    ),
    unreachable(&["connection refused"], "could not be reached: connection refused", WHERE),
    unreachable(&["network is unreachable"], NO_WAY, ROUTE),
    unreachable(&["connect: no route to host"], NO_WAY, ROUTE),
    unreachable(&["connect: permission denied"], NO_WAY, ROUTE),
    unreachable(&["connection reset by peer"], BROKEN_OFF, WHERE),
    // All that is said of an address.
    unreachable(&["\": eof\n"], BROKEN_OFF, WHERE),
    unreachable(&["server gave http response to https client"], NO_TLS, TLS),
    unreachable(&["first record does not look like a tls handshake"], NO_TLS, TLS),
    // HashiCorp Vault and OpenBao, in a line of their own; AWS.
    unreachable(&["\ncode: 502. "], BUSY, LATER),
    unreachable(&["\ncode: 503. "], BUSY, LATER),
    unreachable(&["\ncode: 504. "], BUSY, LATER),
    unreachable(&["https response error statuscode: 502,"], BUSY, LATER),
    unreachable(&["https response error statuscode: 503,"], BUSY, LATER),
    unreachable(&["https response error statuscode: 504,"], BUSY, LATER),
    unreachable(&["deadline exceeded"], SLOW, WHERE),
    unreachable(&["tls handshake timeout"], SLOW, WHERE),
    unreachable(&["i/o timeout"], SLOW, WHERE),
    // Whatever else Azure's SDK says when it could not sign in.
    refused(&["defaultazurecredential"], NO_CREDENTIALS, AZURE_SIGN_IN),
];
