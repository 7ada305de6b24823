//! The whole environment that each kind of key gets.

use super::*;

const PRIVATE: &str = "/p";

/// The environment for the key with this reference: `NAME=value`, or `NAME` if it comes from the
/// operator.
fn given<const N: usize>(reference: &str, operator: [(&str, &str); N]) -> Vec<String> {
    let key = KeyRef::parse(reference).unwrap();
    let operator = Environment::of(operator);
    let search_path = SearchPath::new(&operator, &[]);
    let named = ["NAMED".into()];
    lines(&with_secrets(SecretsOf::Key(&key), &named, false, &operator, &search_path, Utf8Path::new(PRIVATE)))
}

fn lines(variables: &Variables) -> Vec<String> {
    let line = |(name, value): (&String, &Value)| match value {
        Value::Set(value) => format!("{name}={}", value.to_str().unwrap()),
        Value::PassedOn(_) | Value::Secret(_) => name.clone(),
    };
    variables.iter().map(line).collect()
}

const FENCE: [&str; 4] = [
    "ALL_PROXY=http://127.0.0.1:1",
    "HTTPS_PROXY=http://127.0.0.1:1",
    "HTTP_PROXY=http://127.0.0.1:1",
    "NO_PROXY=",
];
const BASE: [&str; 4] = ["HOME=/p/home", "LANG=C", "TMPDIR=/p/tmp", "TUF_ROOT=/p/home"];

#[test]
fn a_bare_run_gets_a_home_and_a_fence() {
    let mut expected: Vec<_> = BASE.into_iter().chain(FENCE).collect();
    expected.sort_unstable();
    assert_eq!(lines(&bare(Utf8Path::new(PRIVATE))), expected);
}

#[test]
fn each_scheme_gets_its_own_family_and_no_other() {
    let everything = [
        ("AWS_$(touch here)", "x"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_TLS_INSECURE_SKIP_VERIFY", "x"),
        ("AZURE_CLIENT_SECRET", "x"),
        ("BAO_ADDR", "x"),
        ("CLOUDSDK_CONFIG", "x"),
        ("COSIGN_INSECURE_IGNORE_TLOG", "x"),
        ("COSIGN_PASSWORD", "x"),
        ("COSIGN_PKCS11_PIN", "x"),
        ("GCE_METADATA_HOST", "x"),
        ("GODEBUG", "x"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "x"),
        ("HOME", "/home/o"),
        ("HTTPS_PROXY", "x"),
        ("IDENTITY_ENDPOINT", "x"),
        ("KEY_VARIABLE", "x"),
        ("KUBECONFIG", "x"),
        ("KUBERNETES_SERVICE_HOST", "x"),
        ("LD_PRELOAD", "x"),
        ("NAMED", "x"),
        ("PATH", "/bin:relative::/usr/bin"),
        ("SIGSTORE_ROOT_FILE", "x"),
        ("SSL_CERT_FILE", "x"),
        ("TRANSIT_SECRET_ENGINE_PATH", "x"),
        ("TUF_MIRROR", "x"),
        ("VAULT_ADDR", "x"),
        ("VAULT_SKIP_VERIFY", "x"),
    ];
    let network = ["HTTPS_PROXY", "SSL_CERT_FILE", "TUF_MIRROR=http://127.0.0.1:1"];
    let path = "PATH=/bin:/usr/bin";
    for (reference, own) in [
        ("awskms:///alias/x", vec!["AWS_ACCESS_KEY_ID", "AWS_EC2_METADATA_DISABLED=true", "HOME", path]),
        (
            "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k",
            vec![
                "GCE_METADATA_HOST",
                "GOOGLE_API_USE_CLIENT_CERTIFICATE=false",
                "GOOGLE_APPLICATION_CREDENTIALS",
                "HOME",
            ],
        ),
        (
            "azurekms://v.vault.azure.net/k",
            vec![
                "AZURE_CLIENT_SECRET",
                "AZURE_TOKEN_CREDENTIALS=EnvironmentCredential",
                "HOME",
                "IDENTITY_ENDPOINT",
            ],
        ),
        ("hashivault://k", vec!["HOME", "TRANSIT_SECRET_ENGINE_PATH", "VAULT_ADDR"]),
        ("openbao://k", vec!["BAO_ADDR", "HOME", "TRANSIT_SECRET_ENGINE_PATH", "VAULT_ADDR"]),
        ("k8s://n/s", vec!["HOME", "KUBECONFIG", "KUBERNETES_SERVICE_HOST", path]),
        ("foo://k", vec![path]),
    ] {
        let mut expected: Vec<_> = own.into_iter().chain(network).chain(["NAMED"]).collect();
        let home = expected.contains(&"HOME");
        expected.extend(BASE.into_iter().filter(|line| !(home && line.starts_with("HOME="))));
        expected.sort_unstable();
        assert_eq!(given(reference, everything), expected, "{reference}");
    }
    for (reference, own) in [
        ("cosign.key", "COSIGN_PASSWORD"),
        ("env://KEY_VARIABLE", "COSIGN_PASSWORD"),
        ("pkcs11:token=t;object=o?module-path=/m.so", "COSIGN_PKCS11_PIN"),
    ] {
        let mut expected: Vec<_> = BASE.into_iter().chain(FENCE).chain([own, "NAMED"]).collect();
        if reference.starts_with("env") {
            expected.push("KEY_VARIABLE");
        }
        expected.sort_unstable();
        assert_eq!(given(reference, everything), expected, "{reference}");
    }
}

#[test]
fn runs_with_services_get_the_network_settings_of_the_site() {
    let operator = Environment::of([
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "x"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "x"),
        ("BUILDKITE_AGENT_ACCESS_TOKEN", "x"),
        ("COSIGN_PASSWORD", "x"),
        ("GCE_METADATA_HOST", "x"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "x"),
        ("GOOGLE_SERVICE_ACCOUNT_NAME", "x"),
        ("HOME", "/home/o"),
        ("HTTPS_PROXY", "x"),
        ("SIGSTORE_ID_TOKEN", "x"),
        ("SPIFFE_ENDPOINT_SOCKET", "unix:///run/agent.sock"),
        ("SSL_CERT_FILE", "x"),
    ]);
    let search_path = SearchPath::new(&operator, &[]);
    let key = KeyRef::parse("cosign.key").unwrap();
    let network = ["HTTPS_PROXY", "SSL_CERT_FILE", "TUF_MIRROR=http://127.0.0.1:1"];
    let closed = "GCE_METADATA_HOST=127.0.0.1:1";
    let no_agent = "SPIFFE_ENDPOINT_SOCKET=/p/no-agent";
    let no_account = "GOOGLE_APPLICATION_CREDENTIALS=/p/no-account";
    let ambient = TokenSource::Ambient;
    for (source, own) in [
        (None, &["COSIGN_PASSWORD"][..]),
        (Some(TokenSource::File("t".into())), &[]),
        (Some(TokenSource::Variable), &[]),
        (Some(TokenSource::Terminal), &[closed, no_agent, no_account]),
        (
            Some(ambient(Provider::GitHub)),
            &["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", closed, no_agent, no_account],
        ),
        (Some(ambient(Provider::Buildkite)), &["BUILDKITE_AGENT_ACCESS_TOKEN", closed, no_agent, no_account]),
        (Some(ambient(Provider::Spiffe)), &["SPIFFE_ENDPOINT_SOCKET=/run/agent.sock", closed, no_account]),
        (
            Some(ambient(Provider::Google)),
            &["GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT_NAME", closed, no_agent],
        ),
    ] {
        let secrets = source.as_ref().map_or(SecretsOf::Key(&key), SecretsOf::Identity);
        let mut expected: Vec<_> = BASE.into_iter().chain(own.iter().copied()).chain(network).collect();
        expected.sort_unstable();
        let given = with_secrets(secrets, &[], true, &operator, &search_path, Utf8Path::new(PRIVATE));
        assert_eq!(lines(&given), expected, "{secrets:?}");
        let reported = if source == Some(TokenSource::Variable) { "" } else { "SIGSTORE_ID_TOKEN" };
        assert_eq!(ignored(&[secrets], &operator).join(" "), reported, "{secrets:?}");
    }
    let mut expected: Vec<_> = BASE.into_iter().chain(["HTTPS_PROXY", "SSL_CERT_FILE"]).collect();
    expected.sort_unstable();
    assert_eq!(lines(&fetching(&operator, Utf8Path::new(PRIVATE))), expected);
}

#[test]
fn settings_of_the_operator_are_kept() {
    let chosen = given(
        "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k",
        [("GOOGLE_API_USE_CLIENT_CERTIFICATE", "true")],
    );
    assert!(chosen.contains(&"GOOGLE_API_USE_CLIENT_CERTIFICATE".to_owned()));
    let role = given("awskms:///alias/x", [("AWS_REGION", "eu")]);
    assert!(!role.iter().any(|line| line.starts_with("AWS_EC2_METADATA_DISABLED")));
}

#[test]
fn withheld_variables_are_reported() {
    let operator = Environment::of([
        ("AWS_TLS_INSECURE_SKIP_VERIFY", "1"),
        ("COSIGN_BUNDLE", "x"),
        ("COSIGN_PASSWORD", ""),
        ("LD_PRELOAD", "x"),
        ("SIGSTORE_ROOT_FILE", "x"),
        ("VAULT_SKIP_VERIFY", "1"),
    ]);
    let reported = |reference: Option<&str>| {
        let key = reference.map(|reference| KeyRef::parse(reference).unwrap());
        ignored(&[key.as_ref().map_or(SecretsOf::Nothing, SecretsOf::Key)], &operator).join(" ")
    };
    assert_eq!(reported(None), "COSIGN_BUNDLE LD_PRELOAD SIGSTORE_ROOT_FILE");
    assert_eq!(
        reported(Some("hashivault://k")),
        "COSIGN_BUNDLE LD_PRELOAD SIGSTORE_ROOT_FILE VAULT_SKIP_VERIFY"
    );
    assert_eq!(
        reported(Some("awskms:///alias/x")),
        "AWS_TLS_INSECURE_SKIP_VERIFY COSIGN_BUNDLE LD_PRELOAD SIGSTORE_ROOT_FILE"
    );
    // Of several runs, what one of them withholds.
    let keys = ["hashivault://k", "awskms:///alias/x"].map(|key| KeyRef::parse(key).unwrap());
    let [vault, aws] = keys.each_ref().map(SecretsOf::Key);
    assert_eq!(
        ignored(&[vault, aws], &operator).join(" "),
        "AWS_TLS_INSECURE_SKIP_VERIFY COSIGN_BUNDLE LD_PRELOAD SIGSTORE_ROOT_FILE VAULT_SKIP_VERIFY"
    );
}

#[test]
fn missing_variables_are_those_of_the_set_that_was_started() {
    let missing = |reference: &str, operator: &Environment| {
        let key = KeyRef::parse(reference).unwrap();
        missing(&key, operator).into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" ")
    };
    let azure = "azurekms://v.vault.azure.net/k";
    for (reference, operator, expected) in [
        ("hashivault://k", Environment::of([]), "VAULT_ADDR VAULT_TOKEN"),
        ("hashivault://k", Environment::of([("VAULT_ADDR", "x")]), "VAULT_TOKEN"),
        ("hashivault://k", Environment::of([("VAULT_ADDR", "x"), ("VAULT_TOKEN", "x")]), ""),
        ("openbao://k", Environment::of([("VAULT_TOKEN", "x")]), "VAULT_ADDR"),
        ("openbao://k", Environment::of([]), "BAO_ADDR BAO_TOKEN"),
        ("awskms://h/alias/k", Environment::of([("AWS_SECRET_ACCESS_KEY", "x")]), "AWS_ACCESS_KEY_ID"),
        ("awskms://h/alias/k", Environment::of([]), "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY"),
        ("awskms:///alias/k", Environment::of([]), "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION"),
        (
            "awskms:///alias/k",
            Environment::of([("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")]),
            "AWS_REGION",
        ),
        (
            "awskms:///alias/k",
            Environment::of([("AWS_CONTAINER_CREDENTIALS_FULL_URI", "x"), ("AWS_DEFAULT_REGION", "x")]),
            "",
        ),
        ("awskms:///alias/k", Environment::of([("AWS_PROFILE", "x")]), ""),
        (azure, Environment::of([("AZURE_TENANT_ID", "x"), ("AZURE_CLIENT_ID", "x")]), "AZURE_CLIENT_SECRET"),
        (azure, Environment::of([("AZURE_TENANT_ID", "x")]), "AZURE_CLIENT_ID AZURE_CLIENT_SECRET"),
        (azure, Environment::of([]), "AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET"),
        (azure, Environment::of([("IDENTITY_HEADER", "x")]), "IDENTITY_ENDPOINT"),
        (azure, Environment::of([("IDENTITY_ENDPOINT", "x"), ("IDENTITY_HEADER", "x")]), ""),
        ("k8s://n/s", Environment::of([]), ""),
        ("cosign.key", Environment::of([]), ""),
    ] {
        assert_eq!(missing(reference, &operator), expected, "{reference}");
    }
}

/// cosign gets every variable of a set for signing in, and no withheld one.
#[test]
fn the_table_is_consistent() {
    use Provider::{Buildkite, GitHub, Google, Spiffe};
    use Scheme::{Aws, Azure, Env, File, Gcp, HashiVault, K8s, OpenBao, Pkcs11, Plugin};
    let schemes = [Aws, Azure, Env, File, Gcp, HashiVault, K8s, OpenBao, Pkcs11, Plugin].map(of_scheme);
    for provider in schemes.into_iter().chain([Buildkite, GitHub, Google, Spiffe].map(of_token_provider)) {
        for name in provider.sign_in.concat() {
            assert!(provider.passes_on(name), "{name}");
        }
        for (at, (name, reason)) in provider.variables.iter().enumerate() {
            assert!(!reason.is_empty() && !provider.withheld.contains(name), "{name}");
            assert!(!provider.variables[..at].iter().any(|(earlier, _)| earlier == name), "{name} twice");
        }
    }
}

/// A variable that is reported as ignored cannot be named in a flag, and the other way round.
#[test]
fn ignored_variables_and_refused_names_are_one_list() {
    let never = [
        "AWS_TLS_INSECURE_SKIP_VERIFY",
        "BAO_AGENT_ADDR",
        "BAO_HEADERS",
        "BAO_HTTP_PROXY",
        "BAO_PROXY_ADDR",
        "BAO_SKIP_VERIFY",
        "BAO_SRV_LOOKUP",
        "COSIGN_KEY",
        "DYLD_INSERT_LIBRARIES",
        "GODEBUG",
        "LD_PRELOAD",
        "SIGSTORE_ROOT_FILE",
        "TUF_MIRROR",
        "VAULT_AGENT_ADDR",
        "VAULT_HEADERS",
        "VAULT_HTTP_PROXY",
        "VAULT_PROXY_ADDR",
        "VAULT_SKIP_VERIFY",
        "VAULT_SRV_LOOKUP",
    ];
    for name in never {
        assert!(KeyRef::parse(&format!("env://{name}")).is_err(), "env://{name}");
        let operator = Environment::of([(name, "x")]);
        let keys = ["awskms:///alias/x", "hashivault://k", "openbao://k"];
        let ignored = keys.map(|key| ignored(&[SecretsOf::Key(&KeyRef::parse(key).unwrap())], &operator));
        assert!(ignored.concat().contains(&name.to_owned()), "{name}");
    }
}
