//! The public Sigstore. Without a network, nothing is signed. With a cosign that fetches the root
//! of the private Sigstore instead, it is used like a private one. The real files are signed with
//! keys that are built into cosign, so only this one command is replaced.

use crate::loopback::{cosign, reached};
use crate::site::{ISSUER, PERSON, Site};

/// The notice before the public Sigstore is contacted.
const NOTICE: &str =
    "notice: fetching the keys and addresses of the public Sigstore (tuf-repo-cdn.sigstore.dev)\n";

/// The name server, which does not answer. Nothing else is contacted.
const NAME_SERVER: &str = "127.0.0.1:53";

#[test]
fn without_a_network_nothing_is_signed_or_verified() {
    let site = Site::new();
    site.signed();
    site.token("token", "person", "{}");
    let before = site.tree("");
    let alone = "hint: --tlog-upload=false signs with the key alone, and contacts no service\n";
    let own_root = "hint: --trusted-root FILE uses a root that you have, and needs no network\n";
    for release in ["v2.4.1", "v2.6.1", "v3.0.2", "v3.1.3"] {
        for (words, notice, hint) in [
            ("bundle dist --output P --signing-key cosign.key", NOTICE, alone),
            ("bundle dist --output P --keyless --identity-token token", NOTICE, ""),
            ("verify B --key cosign.pub --online", "", own_root),
        ] {
            let run = site
                .aicr(&format!("{words} --cosign {}", cosign(release)))
                .stderr(&format!(
                    "{notice}error: the root of the public Sigstore could not be fetched\n    (what cosign said)\n{hint}"
                ))
                .cosigns_words_left_out();
            let addresses = reached(&site, run, 6);
            assert!(
                addresses.iter().all(|address| address == NAME_SERVER),
                "{release} {words}: {addresses:?}"
            );
            assert_eq!(site.tree(""), before, "{release} {words}");
        }
    }
}

/// A cosign that fetches the root and the signing config of the private Sigstore instead of the
/// public ones.
fn fetches_this_site(site: &Site, release: &str, config: &str) {
    site.program(
        "bin/cosign",
        &format!(
            "PATH=/usr/bin:/bin\n[ \"$1\" = initialize ] || exec '{}' \"$@\"\n\
             mkdir -p \"$TUF_ROOT/tuf.example/targets\" && cd \"$TUF_ROOT/tuf.example/targets\" &&\n\
             cp '{}' trusted_root.json && {{ [ -z '{config}' ] || cp '{}' signing_config.v0.2.json; }}",
            cosign(release),
            site.of_site("trusted-root.json"),
            site.of_site(&format!("signing-config/{config}.json")),
        ),
    );
}

#[test]
fn is_used_like_a_private_one_after_it_is_fetched() {
    let site = Site::new();
    site.small_dist();
    site.token("token", "person", "{}");
    let notice = format!("{NOTICE}notice: the signature goes to the transparency log at localhost:3003\n");
    for release in ["v2.6.1", "v3.0.2", "v3.1.3"] {
        fetches_this_site(&site, release, "keyless-rekor2-tsa");
        let (key, keyless) = (format!("key-{release}"), format!("keyless-{release}"));
        let run = |words: &str| site.aicr(words).whatever_it_prints();
        let signed = run(&format!("bundle dist -o {key} --signing-key cosign.key")).succeeds();
        assert_eq!(String::from_utf8(signed.stderr).unwrap(), notice, "{release}");
        assert!(String::from_utf8(signed.stdout).unwrap().contains("log checked, timestamp checked"));
        run(&format!("bundle dist -o {keyless} --keyless --identity-token token")).succeeds();
        run(&format!("verify {key} --key cosign.pub --online --require-timestamp")).succeeds();
        let person = format!("--certificate-identity {PERSON} --certificate-oidc-issuer {ISSUER}");
        run(&format!("verify {keyless} {person} --online")).succeeds();
        run(&format!("verify {keyless} --key cosign.pub --online")).exits(5);
    }
    // Without a signing config the log is the one built into cosign, and this root does not have
    // it.
    fetches_this_site(&site, "v3.1.3", "");
    site.aicr("bundle dist -o other --signing-key cosign.key")
        .stderr(&format!(
            "{NOTICE}error: the root of the public Sigstore has no log at https://rekor.sigstore.dev (it has http://localhost:3003, http://localhost:3000)
hint: write the address as it is in the file, or add it with `cosign trusted-root create --rekor url=…,public-key=…`\n"
        ))
        .exits(2);
}
