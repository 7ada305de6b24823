//! The rules for failures of a key: words in cosign's text, and what they mean. Every rule was made
//! from recorded samples, on which the tests run it. Network failures have a table of their own.

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

/// This cosign does not support it.
const fn unsupported(words: &'static [&'static str], reason: &'static str, hint: &'static str) -> Rule {
    rule(words, Class::NoCosign, reason, hint)
}

/// The key manager, or cosign, refused.
const fn refused(words: &'static [&'static str], reason: &'static str, hint: &'static str) -> Rule {
    rule(words, Class::NotSigned, reason, hint)
}

/// The key manager answered that it cannot work now.
const fn unavailable(words: &'static [&'static str], reason: &'static str, hint: &'static str) -> Rule {
    rule(words, Class::Unproven, reason, hint)
}

pub(super) const NO_PROVIDER: &str = "has no provider in this build of cosign";
pub(super) const WRONG_PASSWORD: &str = "cannot be decrypted: the password is wrong";
const NOT_FOUND: &str = "was not found in the key manager";
const DISABLED: &str = "is disabled in the key manager";
const FORBIDDEN: &str = "was refused by the key manager: these credentials have no permission for it";
const UNAUTHENTICATED: &str = "was refused by the key manager: it does not accept these credentials";
const NO_CREDENTIALS: &str = "cannot be used: there are no credentials for its key manager";
const BUSY: &str = "could not be reached: its key manager is unavailable or overloaded";

const AZURE_SIGN_IN: &str = "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or sign on a machine with a managed identity";
const OLD_AZURE_SIGN_IN: &str = "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; the managed identity of an App Service needs cosign 2.6";
const AZURE_RIGHTS: &str =
    "the signer needs the role Key Vault Crypto User on the key, or an access policy with get and sign";
const NO_REGION: &str = "cannot be used: no AWS region is set";
const REGION: &str = "set AWS_REGION, or name the endpoint: awskms://HOST/…";
const ENABLE: &str = "enable it, or use another key";
const LATER: &str = "try again later; the answer may be that of a proxy or load balancer";

/// The first that fits wins, so the more specific come first.
pub(super) const RULES: &[Rule] = &[
    // Not supported by this cosign.
    unsupported(
        &["unrecognized scheme"],
        NO_PROVIDER,
        "install an upstream release of cosign: it has every provider, openbao from 3.1 on; a distribution's build may lack some",
    ),
    unsupported(
        &["kms specification should be in the format"],
        "has a form that this cosign does not support",
        "use a later release of cosign, or name the key without its version",
    ),
    unsupported(
        &["opening pkcs11 token key: unimplemented"],
        "is in a PKCS#11 token, which this build of cosign does not support",
        "use a cosign built with cgo and the pkcs11key tag, or a KMS plugin for the token",
    ),
    unsupported(
        &["unexpected kdf parameters"],
        "was made by a newer cosign, and this one cannot read it",
        "use cosign 2.2 or later, or make the key with this one",
    ),
    // Plugins.
    refused(
        &["parsing plugin response"],
        "got no valid answer from its plugin",
        "the plugin failed, or speaks another version of the protocol; it may need a variable: --kms-env NAME",
    ),
    refused(
        &["error executing plugin program"],
        "got no answer from its plugin, which crashed",
        "run the plugin in a shell, with the variables of --kms-env",
    ),
    refused(
        &["plugin returned error"],
        "was refused by its plugin",
        "the text above is the plugin's; it gets only the variables of --kms-env",
    ),
    // Key files.
    refused(
        &["inappropriate ioctl for device"],
        "needs a password",
        "set COSIGN_PASSWORD; an empty value is a password, too",
    ),
    refused(
        &["decryption failed"],
        WRONG_PASSWORD,
        "check COSIGN_PASSWORD; a newline at its end is part of the password",
    ),
    refused(
        &["unsupported pem type"],
        "is not a cosign key file",
        "`cosign import-key-pair --key FILE` converts one",
    ),
    // Credentials come before the network: without any, an SDK tries the metadata service.
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
    refused(&["missing region"], NO_REGION, REGION),
    refused(&["an aws region is required"], NO_REGION, REGION),
    refused(
        &["expiredtoken"],
        "was refused by the key manager: the credentials have expired",
        "get new credentials; AWS_SESSION_TOKEN expires together with its access key",
    ),
    refused(
        &["unrecognizedclientexception"],
        UNAUTHENTICATED,
        "check AWS_ACCESS_KEY_ID, and AWS_SESSION_TOKEN if the access key is temporary",
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
    refused(&["invoking azure cli failed"], NO_CREDENTIALS, OLD_AZURE_SIGN_IN),
    refused(&["azure cli not found on path"], NO_CREDENTIALS, OLD_AZURE_SIGN_IN),
    refused(&["azure", "aadsts"], UNAUTHENTICATED, "check AZURE_CLIENT_SECRET; it may have expired"),
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
        "cannot be used: the address of its cluster is not set",
        "set KUBECONFIG to a kubeconfig file for the cluster, or write one to ~/.kube/config",
    ),
    refused(&[".vault-token"], NO_CREDENTIALS, "set VAULT_TOKEN"),
    refused(
        &["error loading ca file"],
        "cannot be used: the file in VAULT_CACERT cannot be read",
        "set VAULT_CACERT to the certificate of the site's authority",
    ),
    refused(
        &["http request to an https server"],
        "cannot be used: its server speaks TLS only",
        "write https:// in VAULT_ADDR",
    ),
    // What the key manager answered about the key.
    refused(
        &["could not read data from transit key path"],
        NOT_FOUND,
        "check the name; set TRANSIT_SECRET_ENGINE_PATH if the engine is not mounted at transit",
    ),
    refused(
        &["could not parse transit key keys data"],
        "is not a signing key",
        "create a key with `type=ecdsa-p256`",
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
        "check VAULT_TOKEN: the server does not know it, or it has expired or was revoked",
    ),
    refused(
        &["code = notfound"],
        NOT_FOUND,
        "check each part of the name; `gcloud kms keys list` lists the keys of a key ring",
    ),
    refused(
        &["unable to find an enabled key version", "no more items"],
        DISABLED,
        "enable a version of the key, or name one: …/cryptoKeyVersions/N",
    ),
    refused(&["is not enabled, current state is"], DISABLED, "enable this version, or name another one"),
    refused(
        &["code = permissiondenied"],
        FORBIDDEN,
        "the signer needs roles/cloudkms.signerVerifier and roles/cloudkms.viewer on the key",
    ),
    refused(&["kms", "disabledexception"], DISABLED, ENABLE),
    refused(&["kms", "notfoundexception"], NOT_FOUND, "check the name, the region and the account"),
    refused(
        &["accessdeniedexception"],
        FORBIDDEN,
        "the signer needs kms:DescribeKey, kms:GetPublicKey and kms:Sign on the key",
    ),
    refused(&["keydisabled"], DISABLED, ENABLE),
    refused(&["keynotfound"], NOT_FOUND, "check the names of the vault and of the key"),
    refused(&["403 forbidden"], FORBIDDEN, AZURE_RIGHTS),
    refused(&["statuscode=403"], FORBIDDEN, AZURE_RIGHTS),
    refused(
        &["failed to verify signature"],
        "made a signature that does not verify",
        "the key manager's signature is wrong, or of a kind that cosign cannot check; ECDSA P-256 works with every key manager",
    ),
    unavailable(
        &["vault is sealed"],
        "cannot be used: its key manager is sealed",
        "ask an administrator to unseal it",
    ),
    // HashiCorp Vault and OpenBao print the status on a line of its own; AWS differs.
    unavailable(&["\ncode: 502. "], BUSY, LATER),
    unavailable(&["\ncode: 503. "], BUSY, LATER),
    unavailable(&["\ncode: 504. "], BUSY, LATER),
    unavailable(&["https response error statuscode: 502,"], BUSY, LATER),
    unavailable(&["https response error statuscode: 503,"], BUSY, LATER),
    unavailable(&["https response error statuscode: 504,"], BUSY, LATER),
];

/// For what is no network failure either: everything else that Azure's SDK prints when it could not
/// sign in.
pub(super) const LAST_RULE: Rule = refused(&["defaultazurecredential"], NO_CREDENTIALS, AZURE_SIGN_IN);
