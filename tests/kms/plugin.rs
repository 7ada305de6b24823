//! KMS plugins of a few lines of shell: one that works, and others with wrong or malformed answers.

use crate::failures::Signer;
use crate::proof::Proof;
use crate::site::Site;

/// Answers with keys in PEM files: it returns the public key of `$SHOWN` and signs with `$USED`.
/// Both are the key `one` unless a line before sets them.
const PLUGIN: &str = r#"
PATH=/usr/bin:/bin
case $2 in
  *'"methodName":"publicKey"'*)
    public=$(openssl pkey -in "$STAGE/${SHOWN:-one}.pem" -pubout | base64 -w 0)
    printf '{"publicKey":{"publicKeyPEM":"%s"}}' "$public" ;;
  *'"methodName":"signMessage"'*)
    digest=$(printf %s "$2" | sed -n 's/.*"digest":"\([^"]*\)".*/\1/p')
    signature=$(printf %s "$digest" | base64 -d | openssl pkeyutl -sign -inkey "$STAGE/${USED:-one}.pem" | base64 -w 0)
    printf '{"signMessage":{"signature":"%s"}}' "$signature" ;;
esac"#;

/// A site with this plugin for each scheme, with these lines in front of it.
fn site(plugins: &[(&str, &str)]) -> Site {
    let site = Site::with("softhsm", &[]);
    for (scheme, first) in plugins {
        site.program(
            &format!("bin/sigstore-kms-{scheme}"),
            &format!("STAGE=${{0%/bin/*}}\n{first}\n{PLUGIN}"),
        );
    }
    for (name, curve) in [("one", "P-256"), ("other", "P-256"), ("p384", "P-384")] {
        let make =
            format!("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{curve} -out {name}.pem");
        site.shell(&make).succeeds();
    }
    site
}

#[test]
fn works() {
    let site = site(&[("shell", "")]);
    let proof = Proof {
        site: &site,
        key: "shell://k",
        variables: &[],
        sign_with: "",
        verify_with: Some(" --allow-kms-plugin"),
        reaches: &[],
    };
    proof.holds_with(&["v3.0.2", "v3.1.3"]);
}

#[test]
fn each_failure_has_its_own_message() {
    let site = site(&[
        ("shell", ""),
        ("garbage", "echo 'good morning'; exit"),
        ("silent", "exit 0"),
        ("broken", "echo 'no such token' >&2; exit 1"),
        ("crash", "kill -SEGV $$"),
        ("locked", r#"echo '{"errorMessage":"the token is locked"}'; exit"#),
        ("nonsense", r#"echo '{"publicKey":{"publicKeyPEM":"AAAA"}}'; exit"#),
        ("p384", "SHOWN=p384 USED=p384"),
        ("liar", "USED=other"),
        (
            "changing",
            "[ ! -e \"$STAGE/server/asked\" ] || SHOWN=other USED=other; : >\"$STAGE/server/asked\"",
        ),
    ]);
    Signer { site: &site, keys: "", good: "shell://k", variables: &[], more: "" }.fails(&[("garbage://k", &[], 4, "error: {key} got no valid answer from its plugin
    parsing plugin response: invalid character 'g' looking for beginning of value
hint: the plugin failed, or speaks another version of the protocol; it may need a variable: --kms-env NAME
"),("silent://k", &[], 4, "error: {key} got no valid answer from its plugin
    parsing plugin response: unexpected end of JSON input
hint: the plugin failed, or speaks another version of the protocol; it may need a variable: --kms-env NAME
"),("broken://k", &[], 4, "error: {key} got no valid answer from its plugin
    no such token
    parsing plugin response: unexpected end of JSON input
hint: the plugin failed, or speaks another version of the protocol; it may need a variable: --kms-env NAME
"),("crash://k", &[], 4, "error: {key} got no answer from its plugin, which crashed
    error executing plugin program: signal: segmentation fault
hint: run the plugin in a shell, with the variables of --kms-env
"),("locked://k", &[], 4, "error: {key} was refused by its plugin
    plugin returned error: the token is locked
hint: the text above is the plugin's; it gets only the variables of --kms-env
"),("nonsense://k", &[], 4, "error: {key} was refused by cosign
    PEM decoding failed
"),("p384://k", &[], 2, "error: {key} is ECDSA P-384, with which some releases of cosign make signatures that do not verify
hint: use an ECDSA P-256 key, or RSA with 2048 to 4096 bits
"),("liar://k", &[], 4, "error: {key} made a signature that does not verify
    signing {root}/tmp/aicr-XXXXXX/checksums.txt: signing bundle: error signing bundle: failed to verify signature: could not verify message: invalid signature when validating ASN.1 encoded signature
hint: the key manager's signature is wrong, or of a kind that cosign cannot check; ECDSA P-256 works with every key manager
"),("changing://k", &[], 4, "error: cosign ended with exit 0, but the signature was made by another key; if the key was just rotated, run this again
    (what cosign said)
"),("missing://k", &[], 2, "error: {key}: cosign has no such scheme, and the plugin sigstore-kms-missing is not on the PATH
hint: install sigstore-kms-missing, or use a key of another key manager
")]);
}
