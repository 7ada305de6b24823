//! Identity tokens that are refused. The certificate authority does not return the reason; the
//! token shows it.

use super::{LOG_1, RELEASES, Signing, nothing_is_left};
use crate::parallel::each;
use crate::site::{FULCIO, REKOR_1, Site};

const IN_ITS_LOG: &str = "the log file of the authority has the reason; usually the token has expired, is for another audience, or is from an unknown issuer";

#[test]
fn each_is_refused_with_the_reason_if_the_token_shows_it() {
    let site = Site::new();
    let words = format!(
        "--keyless --identity-token token --fulcio-url {FULCIO} --rekor-url {REKOR_1} --trusted-root site/trusted-root.json"
    );
    let signing = |release: &'static str| Signing { sandbox: &site, release, words: &words, notice: LOG_1 };
    let entries = site.entries("rekor1");
    let refused = "the certificate authority at localhost:5555 refused the identity token";
    for (kind, claims, error, hint) in [
        ("person", r#"{"exp":1}"#, refused, "the token expired N seconds ago: get a new one"),
        (
            "person",
            r#"{"nbf":4102444800}"#,
            refused,
            "the token is not valid for N more seconds: check the clocks of this machine and of its issuer",
        ),
        ("person", r#"{"aud":"other"}"#, refused, "the token is for `other`, but must be for `sigstore`"),
        ("person", r#"{"iss":"https://localhost:8889"}"#, refused, IN_ITS_LOG),
        ("person", r#"{"email":null}"#, refused, IN_ITS_LOG),
        ("other", "", refused, IN_ITS_LOG),
        (
            "person",
            r#"{"email_verified":false}"#,
            "the identity token cannot be used: its issuer has not verified the e-mail address in it",
            "verify the address with the issuer, and get a new token",
        ),
        (
            "person",
            r#"{"email":null,"sub":null}"#,
            "the identity token cannot be used: it has neither a subject nor an e-mail address",
            "get a token with a subject (sub) or an e-mail address",
        ),
    ] {
        site.token("token", kind, claims);
        each(&RELEASES.map(signing), |signing| signing.fails((4, error, hint)));
    }
    // Before cosign is run.
    site.file("token", "not a token\n");
    let no_token = "--identity-token token does not contain an identity token";
    let form = "an identity token is a JSON Web Token: three parts, separated by dots";
    Signing { notice: "", ..signing("v3.1.3") }.fails((2, no_token, form));
    assert_eq!(site.reached(signing("v3.1.3").run().whatever_it_prints(), 2), [""; 0]);
    nothing_is_left(&site);
    assert_eq!(site.entries("rekor1"), entries);

    site.token("token", "person", "");
    RELEASES.map(signing).iter().for_each(Signing::works);
    assert_eq!(site.entries("rekor1"), entries + 4);
}
