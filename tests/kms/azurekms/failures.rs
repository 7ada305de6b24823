//! `azurekms://`: a key that is refused, and a server that is not reached.

use crate::failures::Signer;
use crate::site::Site;

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table of what is printed")]
fn each_failure_has_its_own_message() {
    let site = Site::with("azure", &[]);
    let authority = site.of_server("ca.pem");
    let variables = super::secret(&authority);
    Signer { site: &site, more: "", good: "ec", keys: &format!("{}/", super::KEYS), variables: &variables }.fails(&[
        ("unknown", &[], 4,
         "error: {key} was not found in the key manager
    public key: public key: GET https://rig.vault.azure.net/keys/unknown/
    --------------------------------------------------------------------------------
    RESPONSE 404: 404 Not Found
    ERROR CODE: KeyNotFound
    --------------------------------------------------------------------------------
    {
      \"error\": {
        \"code\": \"KeyNotFound\",
        \"message\": \"A key with (name/id) unknown was not found in this key vault. If you recently deleted this key you may be able to recover it using the correct recovery command.\"
      }
    }
    --------------------------------------------------------------------------------
hint: check the names of the vault and of the key
"),
        ("disabled", &[], 4,
         "error: {key} is disabled in the key manager
    public key: public key: GET https://rig.vault.azure.net/keys/disabled/
    --------------------------------------------------------------------------------
    RESPONSE 403: 403 Forbidden
    ERROR CODE: Forbidden
    --------------------------------------------------------------------------------
    {
      \"error\": {
        \"code\": \"Forbidden\",
        \"message\": \"Operation get is not allowed on a disabled key.\",
        \"innererror\": {
          \"code\": \"KeyDisabled\"
        }
      }
    }
    --------------------------------------------------------------------------------
hint: enable it, or use another key
"),
        ("no-get", &[], 4,
         "error: {key} was refused by the key manager: these credentials have no permission for it
    public key: public key: GET https://rig.vault.azure.net/keys/no-get/
    --------------------------------------------------------------------------------
    RESPONSE 403: 403 Forbidden
    ERROR CODE: Forbidden
    --------------------------------------------------------------------------------
    {
      \"error\": {
        \"code\": \"Forbidden\",
        \"message\": \"Caller is not authorized to perform action on resource.\\\\r\\\\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\",
        \"innererror\": {
          \"code\": \"ForbiddenByRbac\"
        }
      }
    }
    --------------------------------------------------------------------------------
hint: the signer needs the role Key Vault Crypto User on the key, or an access policy with get and sign
"),
        ("no-sign", &[], 4,
         "error: {key} was refused by the key manager: these credentials have no permission for it
    signing {root}/tmp/aicr-XXXXXX/checksums.txt: signing bundle: error signing bundle: signing the payload: POST https://rig.vault.azure.net/keys/no-sign/sign
    --------------------------------------------------------------------------------
    RESPONSE 403: 403 Forbidden
    ERROR CODE: Forbidden
    --------------------------------------------------------------------------------
    {
      \"error\": {
        \"code\": \"Forbidden\",
        \"message\": \"Caller is not authorized to perform action on resource.\\\\r\\\\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\",
        \"innererror\": {
          \"code\": \"ForbiddenByRbac\"
        }
      }
    }
    --------------------------------------------------------------------------------
hint: the signer needs the role Key Vault Crypto User on the key, or an access policy with get and sign
"),
        ("rsa", &[], 2,
         "error: {key} is RSA 4096, and cosign's azurekms provider makes wrong signatures with RSA keys
hint: use an ECDSA P-256 key
"),
        ("p384", &[], 2,
         "error: {key} is ECDSA P-384, with which some releases of cosign make signatures that do not verify
hint: use an ECDSA P-256 key, or RSA with 2048 to 4096 bits
"),
        ("ec", &["AZURE_CLIENT_SECRET=wrong"], 4,
         "error: {key} was refused by the key manager: it does not accept these credentials
    public key: public key: DefaultAzureCredential: failed to acquire a token.
    Attempted credentials:
        ClientSecretCredential authentication failed.
            POST https://login.microsoftonline.com/11111111-1111-1111-1111-111111111111/oauth2/v2.0/token
            --------------------------------------------------------------------------------
            RESPONSE 401: 401 Unauthorized
            --------------------------------------------------------------------------------
            {
              \"error\": \"invalid_client\",
              \"error_description\": \"AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.\"
            }
            --------------------------------------------------------------------------------
            To troubleshoot, visit https://aka.ms/azsdk/go/identity/troubleshoot#client-secret
hint: check AZURE_CLIENT_SECRET; it may have expired
"),
        ("ec", &["-AZURE_TENANT_ID"], 4,
         "error: {key} cannot be used: there are no credentials for its key manager
    public key: public key: DefaultAzureCredential: failed to acquire a token.
    Attempted credentials:
        EnvironmentCredential: missing environment variable AZURE_TENANT_ID
hint: set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or sign on a machine with a managed identity
"),
        ("ec", &["-AZURE_CLIENT_SECRET"], 4,
         "error: {key} cannot be used: there are no credentials for its key manager
    public key: public key: DefaultAzureCredential: failed to acquire a token.
    Attempted credentials:
        EnvironmentCredential: incomplete environment variable configuration. Only AZURE_TENANT_ID and AZURE_CLIENT_ID are set
        WorkloadIdentityCredential: no token file specified. Check pod configuration or set TokenFilePath in the options
        ManagedIdentityCredential: Get \"http://169.254.169.254/metadata/identity/oauth2/token\": dial tcp 169.254.169.254:80: connect: network is unreachable
        AzureCLICredential: executable not found on path
        AzureDeveloperCLICredential: executable not found on path
        AzurePowerShellCredential: executable not found on path
hint: set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or sign on a machine with a managed identity
"),
        ("ec", &["-AZURE_TENANT_ID", "-AZURE_CLIENT_ID", "-AZURE_CLIENT_SECRET"], 4,
         "error: {key} cannot be used: there are no credentials for its key manager
    public key: public key: DefaultAzureCredential: failed to acquire a token.
    Attempted credentials:
        EnvironmentCredential: missing environment variable AZURE_TENANT_ID
        WorkloadIdentityCredential: no client ID specified. Check pod configuration or set ClientID in the options
        ManagedIdentityCredential: Get \"http://169.254.169.254/metadata/identity/oauth2/token\": dial tcp 169.254.169.254:80: connect: network is unreachable
        AzureCLICredential: executable not found on path
        AzureDeveloperCLICredential: executable not found on path
        AzurePowerShellCredential: executable not found on path
hint: set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or sign on a machine with a managed identity
"),
        ("ec", &["-AZURE_CLIENT_SECRET", "IDENTITY_ENDPOINT=http://127.0.0.1:8444/", "IDENTITY_HEADER=wrong"], 4,
         "error: {key} was refused by the key manager: it does not accept these credentials
    public key: public key: DefaultAzureCredential: failed to acquire a token.
    Attempted credentials:
        ManagedIdentityCredential authentication failed.
            GET http://127.0.0.1:8444/
            --------------------------------------------------------------------------------
            RESPONSE 401: 401 Unauthorized
            --------------------------------------------------------------------------------
            {
              \"statusCode\": 401,
              \"message\": \"Invalid X-IDENTITY-HEADER.\"
            }
            --------------------------------------------------------------------------------
            To troubleshoot, visit https://aka.ms/azsdk/go/identity/troubleshoot#managed-id
hint: check the AZURE_ or IDENTITY_ variables
"),
        ("ec", &["-AZURE_CLIENT_SECRET", "IDENTITY_ENDPOINT=http://127.0.0.1:1/", "IDENTITY_HEADER=the-secret"], 6,
         "error: {key} could not be reached: connection refused
    public key: public key: DefaultAzureCredential: failed to acquire a token.
    Attempted credentials:
        ManagedIdentityCredential: Get \"http://127.0.0.1:1/?api-version=2019-08-01&client_id=22222222-2222-2222-2222-222222222222&resource=https%3A%2F%2Fvault.azure.net\": dial tcp 127.0.0.1:1: connect: connection refused. To troubleshoot, visit https://aka.ms/azsdk/go/identity/troubleshoot#managed-id
hint: check the address, and that the server is running
"),
        ("ec", &["SSL_CERT_FILE={server}other.pem"], 6,
         "error: {key} could not be reached: its server's certificate is signed by an authority that is not trusted here
    public key: public key: Get \"https://rig.vault.azure.net/keys/ec/?api-version=2025-07-01\": tls: failed to verify certificate: x509: certificate signed by unknown authority
hint: set SSL_CERT_FILE (for hashivault and openbao, VAULT_CACERT) to the certificate of the site's authority
"),
    ]);
}
